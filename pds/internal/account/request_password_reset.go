package account

import (
	"context"
	"errors"
	"strings"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type requestPasswordResetInput struct {
	Email string `json:"email"`
}

// requestPasswordReset sends a code to whoever has the address. Neither the answer nor the time until it comes tells
// whether an account has it, and so a letter that can't be sent is a matter of the log.
func (h *Handler) requestPasswordReset(ctx context.Context, c *xrpc.Call[requestPasswordResetInput]) (*struct{}, error) {
	if err := h.Outbox.turn(ctx); err != nil {
		return nil, err
	}
	account, err := h.Store.AccountByEmail(ctx, strings.ToLower(c.Input.Email))
	if err != nil {
		h.Outbox.leave()
		if errors.Is(err, storage.ErrNotFound) {
			err = nil
		}
		return nil, err
	}
	h.Outbox.send(ctx, func(ctx context.Context) error { return h.sendCode(ctx, account, ResetPassword) })
	return nil, nil
}
