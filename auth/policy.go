package auth

import (
	"context"
	"net/http"
	"slices"
)

// Policy decides whether a [Caller] may call a method: by the credentials, and by the standing of
// the caller's account. Each method of the server has one. The zero Policy refuses everybody.
type Policy struct {
	name     string
	public   bool
	decide   func(ctx context.Context, c Caller, authErr error) error
	accounts bool     // whether callers may have an account here
	standing Standing // that it must be in: unnamed, unasked, or one of the constants
}

// PolicyFunc returns a policy of a host's own. allow is called with callers whose credentials are
// good and with anonymous ones; it refuses by returning an [*Error]. The name is for documentation.
// Like others, the policy needs a standing: see [Policy.In] and [Policy.Unasked].
func PolicyFunc(name string, allow func(ctx context.Context, c Caller) error) Policy {
	return Policy{name: name, accounts: true, decide: func(ctx context.Context, c Caller, authErr error) error {
		if authErr != nil {
			return authErr
		}
		return allow(ctx, c)
	}}
}

// Name returns the policy's name without its standing, such as "Session.OrApp()"; "" for the zero
// Policy.
func (p Policy) Name() string { return p.name }

// String returns the policy as it would be written, such as "Session.OrApp().In(Active)".
func (p Policy) String() string {
	switch {
	case !p.accounts || p.standing == unnamed:
		return p.name
	case p.standing == unasked:
		return p.name + ".Unasked()"
	}
	return p.name + ".In(" + p.standing.String() + ")"
}

// IgnoresCredentials reports whether the policy admits everybody as anonymous, as [Public] does.
func (p Policy) IgnoresCredentials() bool { return p.public }

// Admit authenticates a request and decides on its caller. It returns the caller whom the method
// shall see, and the caller's account if the policy asks for one; otherwise the zero Account. The
// authenticator isn't asked if the policy ignores credentials; the caller is anonymous then.
//
// First the credentials count, then what an app's scope allows, and then the account's standing. A
// policy without a standing admits nobody: see [Policy.Standing].
func (p Policy) Admit(r *http.Request, a Authenticator, accounts Accounts) (Caller, Account, error) {
	if p.public {
		return Caller{}, Account{}, nil
	}
	c, authErr := authenticate(r, a)
	if err := p.Check(r.Context(), c, authErr); err != nil {
		return Caller{}, Account{}, err
	}
	account, err := p.account(r.Context(), c, accounts)
	if err != nil {
		return Caller{}, Account{}, err
	}
	return c, account, nil
}

func authenticate(r *http.Request, a Authenticator) (Caller, error) {
	c, err := CredentialsOf(r)
	if err != nil {
		return Caller{}, err
	}
	return a.Authenticate(r, c)
}

// Check decides on what an [Authenticator] has returned, without asking for the caller's account.
// Nil admits the caller.
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

func (p Policy) withoutAccount() Policy {
	p.accounts = false
	return p
}
