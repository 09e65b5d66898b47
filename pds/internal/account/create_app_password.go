package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type createAppPasswordInput struct {
	Name       string `json:"name"`
	Privileged bool   `json:"privileged,omitempty"`
}

type createAppPasswordOutput struct {
	appPasswordView
	Password string `json:"password"`
}

// appPasswordView is what the owner sees of an app password later on.
type appPasswordView struct {
	Name       string          `json:"name"`
	CreatedAt  syntax.Datetime `json:"createdAt"`
	Privileged bool            `json:"privileged"`
}

const maxAppPasswordName = 256 // characters

// createAppPassword makes an app password. It is told once.
func (h *Handler) createAppPassword(
	ctx context.Context, c *xrpc.Call[createAppPasswordInput],
) (*createAppPasswordOutput, error) {
	if n := utf8.RuneCountInString(c.Input.Name); n == 0 || n > maxAppPasswordName {
		return nil, xrpc.InvalidRequest("Input/name must have 1 to %d characters", maxAppPasswordName)
	}
	password, made, err := h.appPasswords().Create(ctx, c.Account.DID, c.Input.Name, c.Input.Privileged)
	if errors.Is(err, storage.ErrExists) {
		return nil, xrpc.InvalidRequest("could not create app-specific password: there is one of that name")
	}
	if errors.Is(err, storage.ErrLimit) {
		return nil, xrpc.InvalidRequest("An account can have %d app passwords", session.MaxAppPasswords)
	}
	if err != nil {
		return nil, err
	}
	return &createAppPasswordOutput{viewAppPassword(made), password}, nil
}

func (h *Handler) appPasswords() session.AppPasswords {
	return session.AppPasswords{Store: h.Store, Now: h.Now}
}

func viewAppPassword(p session.AppPassword) appPasswordView {
	return appPasswordView{p.Name, syntax.Datetime(p.CreatedAt.UTC().Format(syntax.AtprotoDatetimeLayout)), p.Privileged}
}
