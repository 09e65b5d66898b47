package account

import (
	"context"
	"strings"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type confirmEmailInput struct {
	Email string `json:"email"`
	Token string `json:"token"`
}

// confirmEmail notes that the caller reads what is sent to their address, as the code shows that was sent there.
func (h *Handler) confirmEmail(ctx context.Context, c *xrpc.Call[confirmEmailInput]) (*struct{}, error) {
	account, err := h.account(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	if account.Email == "" || account.Email != strings.ToLower(c.Input.Email) {
		return nil, xrpc.Errorf("InvalidEmail", "invalid email")
	}
	t, err := h.codeOf(ctx, account, ConfirmEmail, c.Input.Token)
	if err != nil {
		return nil, err
	}
	return nil, h.spend(ctx, t, func(a *storage.Account) error {
		a.EmailConfirmedAt = h.Now()
		return nil
	})
}
