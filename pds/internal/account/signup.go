package account

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type signupRequest struct {
	handle      syntax.Handle
	email       string // "" only from the host
	recoveryKey string

	// A person gives a password; the host, the hash of one or "".
	byHost       bool
	password     string
	passwordHash string
}

// signUp makes an account:
//
//  1. decide: make the key and sign the operation, which decides the DID; keep the key
//  2. reserve the handle, with what was decided, and the address
//  3. register the operation with the PLC directory
//  4. create the account with its repo and events, in one write
//  5. give up the reservations, which have done their work
//
// An attempt that breaks off before 2 leaves nothing but a key that no one knows of. One that breaks off later is
// resumed at 3 by the next with the same handle, address and password, so that no DID is registered in vain. Of
// attempts by different people for one handle or one address, only the one that has reserved it registers a DID.
func (h *Handler) signUp(ctx context.Context, req signupRequest) (storage.Account, error) {
	if err := h.available(ctx, req); err != nil {
		return h.made(ctx, req, err)
	}
	r, err := h.reserve(ctx, req)
	if err != nil {
		return storage.Account{}, err
	}
	switch account, err := h.Store.Account(ctx, r.DID); {
	case err == nil: // a simultaneous attempt of the same person was faster
		return h.settle(ctx, req, account)
	case !errors.Is(err, storage.ErrNotFound):
		return storage.Account{}, err
	}
	if err := h.available(ctx, req); err != nil {
		if isTaken(err) { // by an attempt of someone else, which ended just before the reservation
			h.abandon(ctx, req, r)
		}
		return storage.Account{}, err
	}
	if err := h.Registrar.Submit(ctx, r.DID, r.Op); err != nil {
		if !errors.Is(err, identity.ErrUnavailable) { // it never will be
			h.abandon(ctx, req, r)
		}
		h.Logger.ErrorContext(ctx, "account: registering an identity failed", "did", r.DID, "err", err)
		return storage.Account{}, hosting.RegistrationError(err)
	}
	account, err := h.create(ctx, req, r)
	if err != nil {
		return storage.Account{}, err
	}
	return h.settle(ctx, req, account)
}

// settle gives up the reservations for an account that has been made. The host's users may be told apart by nothing: of
// simultaneous calls that want the same account just the one gets it that finds the handle's reservation, or else two
// users would share it. As long as the reservation may be left, for the next to find, nobody gets it.
func (h *Handler) settle(ctx context.Context, req signupRequest, account storage.Account) (storage.Account, error) {
	err := h.release(ctx, req)
	if err == nil || !req.byHost {
		return account, nil
	}
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Account{}, hosting.HandleTaken(req.handle)
	}
	if _, gone := h.Store.Document(ctx, hosting.KindHandleClaim, req.handle.String()); errors.Is(gone, storage.ErrNotFound) {
		return account, nil // it was removed, though that was reported to have failed
	}
	return storage.Account{}, err
}

// made returns the account that an earlier attempt of the host has made though it was reported to have failed: its
// reservation is still there. If there is no such account, it returns err.
func (h *Handler) made(ctx context.Context, req signupRequest, err error) (storage.Account, error) {
	if !req.byHost { // a person logs in
		return storage.Account{}, err
	}
	r, notResumed := h.resume(ctx, req)
	if notResumed != nil {
		return storage.Account{}, err
	}
	account, notMade := h.Store.Account(ctx, r.DID)
	if notMade != nil {
		return storage.Account{}, err
	}
	return h.settle(ctx, req, account)
}

// available looks whether the handle and the address are free.
func (h *Handler) available(ctx context.Context, req signupRequest) error {
	_, err := h.Store.AccountByHandle(ctx, req.handle)
	if err == nil {
		return hosting.HandleTaken(req.handle)
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	_, err = h.Store.AccountByEmail(ctx, req.email)
	if err == nil {
		return hosting.EmailTaken(req.email)
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return nil
}

// isTaken reports whether an error says that a handle or an address is taken. After any other, of storage, it isn't
// known who gets it.
func isTaken(err error) bool {
	var taken *xrpc.Error
	return errors.As(err, &taken)
}

// decide makes the account's key and its identity, of which nobody hears yet.
func (h *Handler) decide(ctx context.Context, req signupRequest) (reservation, error) {
	hash := req.passwordHash
	if !req.byHost {
		var err error
		if hash, err = password.Hash(ctx, req.password); err != nil {
			return reservation{}, err
		}
	}
	pending := "signup:" + rand.Text()
	key, err := h.Keys.Generate(ctx, pending, keys.K256)
	if err != nil {
		return reservation{}, err
	}
	defer h.discard(ctx, pending)
	genesis := identity.Genesis{SigningKey: key.DIDKey(), Handle: req.handle, PDS: h.PublicURL}
	for _, rotation := range []string{req.recoveryKey, h.RecoveryKey} {
		if rotation != "" {
			genesis.RotationKeys = append(genesis.RotationKeys, rotation)
		}
	}
	did, op, err := h.Registrar.NewGenesis(ctx, genesis)
	if err != nil {
		return reservation{}, err
	}
	return reservation{DID: did, Op: op, Email: req.email, PasswordHash: hash}, h.Keys.Copy(ctx, pending, did.String())
}

// create stores the account and all that comes with it.
func (h *Handler) create(ctx context.Context, req signupRequest, r reservation) (storage.Account, error) {
	account := storage.Account{
		DID: r.DID, Handle: req.handle, Email: req.email, PasswordHash: r.PasswordHash, CreatedAt: h.Now(),
	}
	commit, err := h.Engine.Genesis(ctx, r.DID)
	if err != nil {
		return storage.Account{}, err
	}
	identityEvent, err := firehose.IdentityEvent(account.DID, account.Handle, account.CreatedAt)
	if err != nil {
		return storage.Account{}, err
	}
	accountEvent, err := firehose.AccountEvent(account.DID, account.Status(), account.CreatedAt)
	if err != nil {
		return storage.Account{}, err
	}
	commit.Events = append([]storage.Event{identityEvent, accountEvent}, commit.Events...)
	account.ID, err = h.Store.CreateAccount(ctx, storage.NewAccount{Account: account, Commit: commit})
	switch {
	case errors.Is(err, storage.ErrEmailTaken):
		return storage.Account{}, hosting.EmailTaken(req.email)
	case errors.Is(err, storage.ErrExists): // the handle, or the very account, by a simultaneous attempt
		return storage.Account{}, hosting.HandleTaken(req.handle)
	}
	return account, err
}
