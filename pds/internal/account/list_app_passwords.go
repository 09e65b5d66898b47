package account

import (
	"context"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type listAppPasswordsOutput struct {
	Passwords []appPasswordView `json:"passwords"`
}

// listAppPasswords lists the caller's app passwords, without the passwords themselves.
func (h *Handler) listAppPasswords(ctx context.Context, c *xrpc.Call[struct{}]) (*listAppPasswordsOutput, error) {
	out := &listAppPasswordsOutput{Passwords: []appPasswordView{}}
	for p, err := range h.appPasswords().List(ctx, c.Caller.DID) {
		if err != nil {
			return nil, err
		}
		out.Passwords = append(out.Passwords, viewAppPassword(p))
	}
	return out, nil
}
