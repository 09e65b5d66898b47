package account

import (
	"context"
	"errors"
	"time"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type updateEmailInput struct {
	Email           string `json:"email"`
	EmailAuthFactor bool   `json:"emailAuthFactor,omitempty"` // has no effect
	Token           string `json:"token,omitempty"`
}

var errTokenRequired = xrpc.Errorf("TokenRequired", "confirmation token required")

// updateEmail gives the caller's account another address, which isn't confirmed yet. Codes that were sent to the old one
// are good for nothing any more. Of accounts that want an address at the same moment exactly one gets it.
func (s *Server) updateEmail(ctx context.Context, c *xrpc.Call[updateEmailInput]) (*struct{}, error) {
	email, ok := normalizeEmail(c.Input.Email)
	if !ok {
		return nil, errUnsupportedEmail
	}
	account, err := s.untouched(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	var t storage.Token
	switch {
	case c.Input.Token != "":
		if t, err = s.codeOf(ctx, account, UpdateEmail, c.Input.Token); err != nil {
			return nil, err
		}
	case !account.EmailConfirmedAt.IsZero():
		return nil, errTokenRequired
	}
	release, err := s.claimEmail(ctx, email, account.DID)
	if err != nil {
		return nil, err
	}
	defer release()
	if c.Input.Token != "" {
		err = s.spend(ctx, t, func(a *storage.Account) error {
			a.Email, a.EmailConfirmedAt = email, time.Time{}
			return nil
		})
	} else {
		_, err = s.Accounts.UpdateAccount(ctx, account.DID, func(a *storage.Account) error {
			if !a.EmailConfirmedAt.IsZero() { // since a moment ago
				return errTokenRequired
			}
			a.Email = email
			return nil
		})
	}
	if errors.Is(err, storage.ErrEmailTaken) {
		err = hosting.EmailTaken(email)
	}
	return nil, err
}
