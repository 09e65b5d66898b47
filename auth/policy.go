package auth

import (
	"context"
	"net/http"
	"slices"
)

// Policy decides whether a [Caller] may call a method. Each method of the server has one. The zero Policy refuses
// everybody.
type Policy struct {
	name   string
	public bool
	decide func(ctx context.Context, c Caller, authErr error) error
}

// PolicyFunc returns a policy of a host's own. allow is called with callers whose credentials are good and with
// anonymous ones; it refuses by returning an [*Error]. The name is for documentation.
func PolicyFunc(name string, allow func(ctx context.Context, c Caller) error) Policy {
	return Policy{name: name, decide: func(ctx context.Context, c Caller, authErr error) error {
		if authErr != nil {
			return authErr
		}
		return allow(ctx, c)
	}}
}

// Name returns the policy's name, "" for the zero Policy.
func (p Policy) Name() string { return p.name }

// String returns the policy's name.
func (p Policy) String() string { return p.name }

// IgnoresCredentials reports whether the policy admits everybody as anonymous, as [Public] does.
func (p Policy) IgnoresCredentials() bool { return p.public }

// Admit authenticates a request and decides on its caller. It returns the caller whom the method shall see. The
// authenticator isn't asked if the policy ignores credentials; the caller is anonymous then.
func (p Policy) Admit(r *http.Request, a Authenticator) (Caller, error) {
	if p.public {
		return Caller{}, nil
	}
	c, authErr := authenticate(r, a)
	if err := p.Check(r.Context(), c, authErr); err != nil {
		return Caller{}, err
	}
	return c, nil
}

func authenticate(r *http.Request, a Authenticator) (Caller, error) {
	c, err := CredentialsOf(r)
	if err != nil {
		return Caller{}, err
	}
	return a.Authenticate(r, c)
}

// Check decides on what an [Authenticator] has returned. Nil admits the caller.
func (p Policy) Check(ctx context.Context, c Caller, authErr error) error {
	switch {
	case p.public:
		return nil
	case p.decide == nil:
		return ErrForbidden
	}
	return p.decide(ctx, c, authErr)
}

// ofKind is the policy that admits callers of some kinds, and tells the others what refuse makes of their kind.
func ofKind(name string, refuse func(Kind) *Error, kinds ...Kind) Policy {
	return PolicyFunc(name, func(_ context.Context, c Caller) error {
		if slices.Contains(kinds, c.Kind) {
			return nil
		}
		return refuse(c.Kind)
	})
}
