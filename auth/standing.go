package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Account is what a method is told of its caller's account.
type Account struct {
	DID    syntax.DID
	Handle syntax.Handle // "" if it has none
	Status storage.AccountStatus
	Epoch  int64 // of the decisions about it, as of storage.Account
}

// Accounts knows the accounts of the server.
type Accounts interface {
	// CallerAccount returns an account as it is now. Error: [ErrAccountNotFound] if it isn't here.
	CallerAccount(ctx context.Context, did syntax.DID) (Account, error)
}

// Standing says what a method demands of its caller's account. Access tokens are good until they
// expire, also for an account that has been taken down, deactivated or deleted meanwhile, so the
// account is asked about at each call.
type Standing int

const (
	unasked Standing = iota - 1
	unnamed

	// Any account will do, as long as it is here. Others are refused by [ErrAccountNotFound].
	Any

	// NotTakenDown refuses accounts that are taken down or suspended by [ErrAccountTakedown]. Only
	// callers of [KindTakendown] pass, if the policy admits them: see [Policy.OrTakendown].
	NotTakenDown

	// Active refuses accounts that are deactivated, too, by [ErrAccountDeactivated].
	Active
)

// String returns the name of the constant, "" for other values.
func (s Standing) String() string {
	return map[Standing]string{Any: "Any", NotTakenDown: "NotTakenDown", Active: "Active"}[s]
}

// In returns a policy that admits whom p admits, if their accounts are in a standing. Anonymous
// callers, the operator and moderators have no account, and those of a host's own kind have one if
// they have a DID. The account of a service token has to be here.
func (p Policy) In(s Standing) Policy {
	if s < Any || s > Active {
		panic(fmt.Sprintf("auth: no standing %d", s))
	}
	p.standing = s
	return p
}

// Unasked returns a policy that says that the account of a caller doesn't matter: it may be of
// another server, or gone.
func (p Policy) Unasked() Policy {
	p.standing = unasked
	return p
}

// Standing returns the standing that the policy demands, 0 if accounts aren't asked about. ok is
// false if callers may have an account and the policy doesn't say what it demands of them, by
// [Policy.In] or [Policy.Unasked].
func (p Policy) Standing() (s Standing, ok bool) {
	switch {
	case !p.accounts || p.standing == unasked:
		return 0, true
	}
	return p.standing, p.standing != unnamed
}

// stricter returns the standing of callers whom either of two policies admits. If one policy
// doesn't ask and the other names no standing, the result names none: unasked is the least value.
func stricter(p, q Policy) Standing {
	switch {
	case !q.accounts:
		return p.standing
	case !p.accounts:
		return q.standing
	}
	return max(p.standing, q.standing)
}

// account asks for the account of a caller whose credentials are good, and holds it against the
// policy's standing.
func (p Policy) account(ctx context.Context, c Caller, accounts Accounts) (Account, error) {
	standing, ok := p.Standing()
	switch {
	case !ok:
		return Account{}, fmt.Errorf("auth: policy %s names no standing", p)
	case standing == 0 || !c.hasAccount():
		return Account{}, nil
	case accounts == nil:
		return Account{}, errors.New("auth: nobody knows the accounts that policy " + p.String() + " asks about")
	}
	a, err := accounts.CallerAccount(ctx, c.DID)
	switch {
	case err != nil:
		return Account{}, err
	case a.DID != c.DID: // the zero Account would be an active one
		return Account{}, ErrAccountNotFound
	}
	if err := standing.Check(c, a); err != nil {
		return Account{}, err
	}
	return a, nil
}

// hasAccount reports whether a caller acts for an account.
func (c Caller) hasAccount() bool {
	switch c.Kind {
	case KindAnonymous, KindAdmin, KindModerator:
		return false
	case KindSession, KindAppPassword, KindPrivilegedAppPassword, KindTakendown, KindRefresh, KindOAuth, KindService:
		return true
	}
	return c.DID != ""
}

// Check returns nil if the account of a caller is in the standing. The zero Caller stands for the account's owner.
// Errors: [ErrAccountTakedown], [ErrAccountDeactivated].
func (s Standing) Check(c Caller, a Account) error {
	switch {
	case s == Any || a.Status == storage.StatusActive:
		return nil
	case a.Status == storage.StatusDeactivated && s == Active:
		return ErrAccountDeactivated
	case a.Status == storage.StatusDeactivated || s == NotTakenDown && c.Kind == KindTakendown:
		return nil
	}
	return ErrAccountTakedown
}
