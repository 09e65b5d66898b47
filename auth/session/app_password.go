package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/password"
)

// newAppPassword returns a random app password of the form xxxx-xxxx-xxxx-xxxx, 80 bits in base32.
func newAppPassword() string {
	var b [10]byte
	rand.Read(b[:])
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// hashAppPassword returns the hash of an app password of an account, in the form of the reference
// server. It is always the same, so that one derivation finds the app password among all those of
// the account; what it guards is random and needs no salt of its own. Errors: [ErrInvalidLogin] if
// the password is longer than [password.Max], and that of ctx, if it ends while the call waits for
// its turn.
func hashAppPassword(ctx context.Context, did syntax.DID, plain string) (string, error) {
	if utf8.RuneCountInString(plain) > password.Max {
		return "", ErrInvalidLogin
	}
	sum := sha256.Sum256([]byte(did))
	return password.Scrypt(ctx, plain, [16]byte(sum[:16]))
}
