package auth

import (
	"context"
	"errors"
	"strings"
)

// Or returns a policy that admits whom p or q admits. Others are told what p tells them, unless q
// itself fails: then that failure is returned. Of two standings the stricter one holds, for all
// callers. [Public] with anything is Public, and the zero Policy adds nobody.
func (p Policy) Or(q Policy) Policy {
	switch {
	case p.public || q.decide == nil && !q.public:
		return p
	case q.public || p.decide == nil:
		return q
	}
	return Policy{
		name:     p.name + ".Or(" + q.name + ")",
		accounts: p.accounts || q.accounts,
		standing: stricter(p, q),
		decide: func(ctx context.Context, c Caller, authErr error) error {
			err := p.decide(ctx, c, authErr)
			if err == nil {
				return nil
			}
			var refusal *Error
			if other := q.decide(ctx, c, authErr); other == nil || !errors.As(other, &refusal) {
				return other
			}
			return err
		},
	}
}

// Optional returns a policy that also admits anonymous callers.
func (p Policy) Optional() Policy {
	return p.also("Optional()", KindAnonymous, func(Caller) error { return nil })
}

// OrTakendown returns a policy that also admits the sessions of accounts that are taken down. The
// standing [NotTakenDown] doesn't refuse them, while it refuses other sessions of such an account.
func (p Policy) OrTakendown() Policy {
	p = p.also("OrTakendown()", KindTakendown, func(Caller) error { return nil })
	p.accounts = !p.public
	return p
}

// OrApp returns a policy that also admits apps with an OAuth token whose scope allows all of some
// permissions. Without any, it admits all apps; it is then for the method, which knows what is to
// be written or called, to ask [Caller.May]. What p says of apps no longer counts: of two OrApp,
// the last one decides.
func (p Policy) OrApp(needs ...Permission) Policy {
	names := make([]string, len(needs))
	for i, need := range needs {
		names[i] = need.String()
	}
	p = p.also("OrApp("+strings.Join(names, ", ")+")", KindOAuth, func(c Caller) error {
		if !c.Scope.atproto() {
			return ErrScopeMissing.With(`Missing required scope "atproto"`)
		}
		for _, need := range needs {
			if err := c.May(need); err != nil {
				return err
			}
		}
		return nil
	})
	p.accounts = !p.public
	return p
}

// OrExpired returns a policy that also admits refresh tokens that have expired, if it admits those
// that haven't: one can always log out.
func (p Policy) OrExpired() Policy {
	decide := p.decide
	if decide == nil {
		return p
	}
	p.name += ".OrExpired()"
	p.decide = func(ctx context.Context, c Caller, authErr error) error {
		if c.Kind == KindRefresh && errors.Is(authErr, ErrExpiredToken) {
			authErr = nil
		}
		return decide(ctx, c, authErr)
	}
	return p
}

// also returns a policy in which another function decides on callers of a kind whose credentials
// are good. [Public] and the zero Policy make no difference between callers, and stay as they are.
func (p Policy) also(name string, kind Kind, allow func(Caller) error) Policy {
	decide := p.decide
	if decide == nil {
		return p
	}
	p.name += "." + name
	p.decide = func(ctx context.Context, c Caller, authErr error) error {
		if authErr == nil && c.Kind == kind {
			return allow(c)
		}
		return decide(ctx, c, authErr)
	}
	return p
}
