package auth

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// Credentials are what the Authorization header of a request says. The zero value stands for a
// request without the header. They print as a placeholder, so that no token ends up in a log.
type Credentials struct {
	Scheme string // as the client spells it: compare it without regard to case
	Token  string // what follows the scheme; it has no spaces
}

// CredentialsOf splits the Authorization header of a request. Spaces between scheme and token don't
// count. Error: [ErrInvalidToken] if the header is malformed, or if there are two: a proxy in front
// may have checked the other one.
func CredentialsOf(r *http.Request) (Credentials, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return Credentials{}, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if len(values) > 1 || scheme == "" || token == "" || strings.Contains(token, " ") {
		return Credentials{}, ErrInvalidToken.With("Malformed authorization header")
	}
	return Credentials{scheme, token}, nil
}

// Of returns the token of credentials of a scheme, "" if there are none. Error: [ErrInvalidToken]
// if they are of another scheme.
func (c Credentials) Of(scheme string) (token string, err error) {
	if c.Scheme != "" && !strings.EqualFold(c.Scheme, scheme) {
		return "", ErrInvalidToken.With("Unexpected authorization type")
	}
	return c.Token, nil
}

// Format implements [fmt.Formatter]. It shows nothing of the token.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.Credentials") }

// LogValue implements [slog.LogValuer]. It shows nothing of the token.
func (c Credentials) LogValue() slog.Value { return slog.StringValue("auth.Credentials") }
