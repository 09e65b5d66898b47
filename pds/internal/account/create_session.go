package account

import (
	"context"
	"errors"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type createSessionInput struct {
	Identifier     string `json:"identifier"`
	Password       string `json:"password"`
	AllowTakendown bool   `json:"allowTakendown,omitempty"`
}

// createSession signs somebody in by handle, DID or e-mail address, and the account's own password or an app password. It
// never tells, by its answer or the time that takes, which of them exist.
func (h *Handler) createSession(ctx context.Context, c *xrpc.Call[createSessionInput]) (*newSession, error) {
	in := &c.Input
	if len([]rune(in.Password)) > password.Max {
		return nil, auth.ErrAuthRequired.With("Password too long. Consider resetting your password.")
	}
	account, err := h.find(ctx, in.Identifier)
	if errors.Is(err, storage.ErrNotFound) {
		account, err = storage.Account{}, nil // nobody's login takes as long
	}
	if err != nil {
		return nil, err
	}
	tokens, err := h.logInApp(ctx, account, in.Password)
	if err == session.ErrInvalidLogin {
		tokens, err = h.logIn(ctx, account, in)
	}
	if err != nil {
		return nil, err
	}
	return h.session(ctx, account, tokens), nil
}

// logIn begins a session by an account's own password. Errors: session.ErrInvalidLogin,
// auth.ErrAccountTakedown.
func (h *Handler) logIn(ctx context.Context, account storage.Account, in *createSessionInput) (session.Tokens, error) {
	ok, rehash, err := password.Verify(ctx, account.PasswordHash, in.Password)
	switch {
	case err != nil:
		return session.Tokens{}, err
	case !ok || account.DID == "":
		return session.Tokens{}, session.ErrInvalidLogin
	case rehash:
		h.rehash(ctx, account, in.Password)
	}
	scope := session.ScopeAccess
	if account.TakedownRef != "" {
		if !in.AllowTakendown {
			return session.Tokens{}, auth.ErrAccountTakedown
		}
		scope = session.ScopeTakendown
	}
	tokens, err := h.Sessions.Create(ctx, account.DID, scope, "")
	if err != nil {
		return session.Tokens{}, err
	}
	if err := h.stillOpens(ctx, account, in.Password); err != nil {
		return session.Tokens{}, errors.Join(err, h.Sessions.Revoke(ctx, tokens.Refresh))
	}
	return tokens, nil
}

// stillOpens looks whether a password opens an account still, now that there is a session. A new password ends all
// sessions, which this one might have come too late for. Error: session.ErrInvalidLogin.
func (h *Handler) stillOpens(ctx context.Context, before storage.Account, given string) error {
	account, err := h.Store.Account(ctx, before.DID)
	if errors.Is(err, storage.ErrNotFound) {
		return session.ErrInvalidLogin
	}
	if err != nil || account.PasswordHash == before.PasswordHash {
		return err
	}
	ok, _, err := password.Verify(ctx, account.PasswordHash, given) // the hash may also just be a better one
	if err == nil && !ok {
		err = session.ErrInvalidLogin
	}
	return err
}

// logInApp begins a session by an app password, for which only what looks like one is taken.
// Errors: session.ErrInvalidLogin, auth.ErrAccountTakedown.
func (h *Handler) logInApp(ctx context.Context, account storage.Account, password string) (session.Tokens, error) {
	if !session.IsAppPassword(password) {
		return session.Tokens{}, session.ErrInvalidLogin
	}
	app, err := h.appPasswords().Find(ctx, account.DID, password)
	if err != nil {
		return session.Tokens{}, err
	}
	if account.TakedownRef != "" {
		return session.Tokens{}, auth.ErrAccountTakedown
	}
	tokens, err := h.Sessions.Create(ctx, account.DID, app.Scope(), app.Name)
	if err != nil {
		return session.Tokens{}, err
	}
	// Whoever revokes it removes it before its sessions. If that was just now, this one may be left.
	still, err := h.appPasswords().Has(ctx, account.DID, app)
	if err == nil && still {
		return tokens, nil
	}
	if err == nil {
		err = session.ErrInvalidLogin
	}
	return session.Tokens{}, errors.Join(err, h.Sessions.Revoke(ctx, tokens.Refresh))
}

func (h *Handler) find(ctx context.Context, identifier string) (storage.Account, error) {
	identifier = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(identifier)), "@")
	switch {
	case strings.HasPrefix(identifier, "did:"):
		return h.Store.Account(ctx, syntax.DID(identifier))
	case strings.Contains(identifier, "@"):
		return h.Store.AccountByEmail(ctx, identifier)
	}
	return h.Store.AccountByHandle(ctx, syntax.Handle(identifier))
}

// rehash replaces a hash of a weaker form, such as one that was brought over from another server, now that the password
// is known. The login doesn't depend on it.
func (h *Handler) rehash(ctx context.Context, account storage.Account, given string) {
	hash, err := password.Hash(ctx, given)
	if err == nil {
		_, err = h.Store.UpdateAccount(ctx, account.DID, func(a *storage.Account) error {
			if a.PasswordHash == account.PasswordHash { // or else it was changed just now
				a.PasswordHash = hash
			}
			return nil
		})
	}
	if err != nil {
		h.Logger.WarnContext(ctx, "account: a weak password hash stays", "did", account.DID, "err", err)
	}
}
