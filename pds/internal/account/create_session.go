package account

import (
	"context"
	"errors"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type createSessionInput struct {
	Identifier     string `json:"identifier"`
	Password       string `json:"password"`
	AllowTakendown bool   `json:"allowTakendown,omitempty"`
}

// createSession signs an account's owner in by handle, DID or e-mail address. It never tells, by its answer or the time
// that takes, which of them exist.
func (s *Server) createSession(ctx context.Context, c *xrpc.Call[createSessionInput]) (*newSession, error) {
	in := &c.Input
	if len([]rune(in.Password)) > auth.MaxPassword {
		return nil, auth.ErrAuthRequired.With("Password too long. Consider resetting your password.")
	}
	account, err := s.login(ctx, in.Identifier, in.Password)
	if err != nil {
		return nil, err
	}
	scope := auth.ScopeAccess
	if account.TakedownRef != "" {
		if !in.AllowTakendown {
			return nil, auth.ErrAccountTakedown
		}
		scope = auth.ScopeTakendown
	}
	tokens, err := s.Sessions.Create(ctx, account.DID, scope, "")
	if err != nil {
		return nil, err
	}
	return s.session(ctx, account, tokens), nil
}

// login finds the account and checks the password. Error: auth.ErrInvalidLogin.
func (s *Server) login(ctx context.Context, identifier, password string) (storage.Account, error) {
	account, err := s.find(ctx, identifier)
	if errors.Is(err, storage.ErrNotFound) {
		if err := auth.VerifyNone(ctx, password); err != nil {
			return storage.Account{}, err
		}
		return storage.Account{}, auth.ErrInvalidLogin
	}
	if err != nil {
		return storage.Account{}, err
	}
	ok, rehash, err := auth.VerifyPassword(ctx, account.PasswordHash, password)
	if err != nil {
		return storage.Account{}, err
	}
	if !ok {
		return storage.Account{}, auth.ErrInvalidLogin
	}
	if rehash {
		s.rehash(ctx, account, password)
	}
	return account, nil
}

func (s *Server) find(ctx context.Context, identifier string) (storage.Account, error) {
	identifier = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(identifier)), "@")
	switch {
	case strings.HasPrefix(identifier, "did:"):
		return s.Accounts.Account(ctx, syntax.DID(identifier))
	case strings.Contains(identifier, "@"):
		return s.Accounts.AccountByEmail(ctx, identifier)
	}
	return s.Accounts.AccountByHandle(ctx, syntax.Handle(identifier))
}

// rehash replaces a hash of a weaker form, such as one that was brought over from another server, now that the password
// is known. The login doesn't depend on it.
func (s *Server) rehash(ctx context.Context, account storage.Account, password string) {
	hash, err := auth.HashPassword(ctx, password)
	if err == nil {
		_, err = s.Accounts.UpdateAccount(ctx, account.DID, func(a *storage.Account) error {
			if a.PasswordHash == account.PasswordHash { // or else it was changed just now
				a.PasswordHash = hash
			}
			return nil
		})
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "account: a weak password hash stays", "did", account.DID, "err", err)
	}
}
