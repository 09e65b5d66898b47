package account

import (
	"context"
	"unicode/utf8"

	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type resetPasswordInput struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

// resetPassword sets a new password by the code of a letter, and ends all sessions: whoever knew the old password may
// have begun some. It works for accounts that are deactivated or taken down, too.
func (h *Handler) resetPassword(ctx context.Context, c *xrpc.Call[resetPasswordInput]) (*struct{}, error) {
	in := &c.Input
	if n := utf8.RuneCountInString(in.Password); n == 0 || n > password.MaxNew {
		return nil, password.ErrLength
	}
	t, err := h.code(ctx, ResetPassword, in.Token)
	if err != nil {
		return nil, err
	}
	hash, err := password.Hash(ctx, in.Password)
	if err != nil {
		return nil, err
	}
	err = h.spend(ctx, t, func(a *storage.Account) error {
		a.PasswordHash = hash
		a.Epoch, a.SessionEpoch = a.Epoch+1, a.SessionEpoch+1
		return nil
	})
	if err != nil {
		return nil, err
	}
	return nil, h.Sessions.RevokeAll(ctx, t.Owner)
}
