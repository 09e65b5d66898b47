package account

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/storage"
)

// reservation is what a sign-up under way has decided.
type reservation struct {
	DID          syntax.DID      `json:"did"`
	Op           json.RawMessage `json:"op"`
	Email        string          `json:"email"`
	PasswordHash string          `json:"passwordHash"`
}

// reserve makes a reservation, or finds the one that an earlier attempt of the same person has left.
func (h *Handler) reserve(ctx context.Context, req signupRequest) (reservation, error) {
	r, err := h.resume(ctx, req)
	if errors.Is(err, storage.ErrNotFound) {
		r, err = h.reserveHandle(ctx, req)
	}
	if err != nil {
		return reservation{}, err
	}
	return r, h.reserveEmail(ctx, req, r)
}

func (h *Handler) reserveHandle(ctx context.Context, req signupRequest) (reservation, error) {
	r, err := h.decide(ctx, req)
	if err != nil {
		return reservation{}, err
	}
	value, err := json.Marshal(r)
	if err != nil {
		return reservation{}, err
	}
	now := h.Now()
	err = h.Store.PutDocument(ctx, storage.NewDocument{Document: storage.Document{
		Kind: hosting.KindHandleClaim, ID: req.handle.String(), Value: value,
		IssuedAt: now, ExpiresAt: now.Add(hosting.ClaimLifetime),
	}})
	if errors.Is(err, storage.ErrExists) {
		h.discard(ctx, r.DID.String())
		err = hosting.HandleTaken(req.handle)
	}
	return r, err // after another error the key stays: the reservation may be there, and the next attempt needs it
}

// reserveEmail comes second, since only a handle's reservation can be resumed: an attempt that breaks off between the
// two leaves no address that nobody gets.
func (h *Handler) reserveEmail(ctx context.Context, req signupRequest, r reservation) error {
	if req.email == "" {
		return nil
	}
	err := h.Accounts.HoldEmail(ctx, req.email, r.DID)
	if isTaken(err) {
		h.Accounts.Drop(ctx, hosting.KindHandleClaim, req.handle.String())
		h.discardUnused(ctx, r.DID)
	}
	return err
}

// resume finds an earlier attempt. Error: storage.ErrNotFound if there is none.
func (h *Handler) resume(ctx context.Context, req signupRequest) (reservation, error) {
	t, err := h.Store.Document(ctx, hosting.KindHandleClaim, req.handle.String())
	if err != nil {
		return reservation{}, err
	}
	if !t.ExpiresAt.After(h.Now()) {
		return reservation{}, storage.ErrNotFound
	}
	var r reservation
	if err := json.Unmarshal(t.Value, &r); err != nil {
		return reservation{}, err
	}
	same := r.PasswordHash == req.passwordHash
	if !req.byHost {
		if same, _, err = password.Verify(ctx, r.PasswordHash, req.password); err != nil {
			return reservation{}, err
		}
	}
	if !same || r.Email != req.email || r.DID == "" { // without a DID, it is a change of handle that claims it
		return reservation{}, hosting.HandleTaken(req.handle)
	}
	return r, nil
}

// abandon gives up a reservation that can't come to anything any more.
func (h *Handler) abandon(ctx context.Context, req signupRequest, r reservation) {
	h.release(ctx, req)
	h.discardUnused(ctx, r.DID)
}

// discardUnused removes the key of a reservation, unless there is an account after all: a simultaneous attempt of the same
// person has made it, and given the reservations up.
func (h *Handler) discardUnused(ctx context.Context, did syntax.DID) {
	if _, err := h.Store.Account(ctx, did); errors.Is(err, storage.ErrNotFound) {
		h.discard(ctx, did.String())
	}
}

// release gives up what is reserved. Error: storage.ErrNotFound if the handle wasn't.
func (h *Handler) release(ctx context.Context, req signupRequest) error {
	if req.email != "" {
		h.Accounts.Drop(ctx, hosting.KindEmailClaim, req.email)
	}
	return h.Accounts.Drop(ctx, hosting.KindHandleClaim, req.handle.String())
}

// discard removes a key that no account uses.
func (h *Handler) discard(ctx context.Context, name string) {
	if err := h.Keys.Delete(context.WithoutCancel(ctx), name); err != nil {
		h.Logger.WarnContext(ctx, "account: a key without an account stays", "name", name, "err", err)
	}
}
