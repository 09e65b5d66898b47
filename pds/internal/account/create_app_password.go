package account

import (
	"cmp"
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

const (
	maxAppPasswordName = 256 // characters
	maxAppPasswords    = 100 // of an account: a login looks through all of them
)

// createAppPassword makes an app password. It is told once.
func (s *Server) createAppPassword(
	ctx context.Context, c *xrpc.Call[createAppPasswordInput],
) (*createAppPasswordOutput, error) {
	if n := utf8.RuneCountInString(c.Input.Name); n == 0 || n > maxAppPasswordName {
		return nil, xrpc.InvalidRequest("Input/name must have 1 to %d characters", maxAppPasswordName)
	}
	account, err := s.untouched(ctx, c.Caller.DID)
	if err != nil {
		return nil, err
	}
	if n, err := s.countAppPasswords(ctx, account.DID); err != nil || n >= maxAppPasswords {
		return nil, cmp.Or(err, error(xrpc.InvalidRequest("An account can have %d app passwords", maxAppPasswords)))
	}
	password, made, err := s.appPasswords().Create(ctx, account.DID, c.Input.Name, c.Input.Privileged)
	if errors.Is(err, storage.ErrExists) {
		return nil, xrpc.InvalidRequest("could not create app-specific password: there is one of that name")
	}
	if err != nil {
		return nil, err
	}
	return &createAppPasswordOutput{viewAppPassword(made), password}, nil
}

func (s *Server) countAppPasswords(ctx context.Context, did syntax.DID) (n int, err error) {
	for _, err := range s.appPasswords().List(ctx, did) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (s *Server) appPasswords() session.AppPasswords {
	return session.AppPasswords{Store: s.Tokens, Now: s.Now}
}

func viewAppPassword(p session.AppPassword) appPasswordView {
	return appPasswordView{p.Name, syntax.Datetime(p.CreatedAt.UTC().Format(syntax.AtprotoDatetimeLayout)), p.Privileged}
}
