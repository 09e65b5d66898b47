package hosting

import (
	"context"
	"errors"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// The kinds of documents that reserve a handle or an address for one account. A sign-up uses the
// same kinds.
const (
	KindHandleClaim = "signup-handle"
	KindEmailClaim  = "signup-email"
)

// ClaimLifetime is how long a claim that isn't released keeps others away.
const ClaimLifetime = 15 * time.Minute

// ClaimHandle reserves a handle for an account until release is called or [ClaimLifetime] has
// passed. Error: an *xrpc.Error if another account has the handle or has reserved it.
func (a *Accounts) ClaimHandle(
	ctx context.Context, handle syntax.Handle, did syntax.DID,
) (release func(), err error) {
	taken := HandleTaken(handle)
	c := a.claim(KindHandleClaim, handle.String())
	c.Owner, c.Value = did, []byte("{}")
	err = a.hold(ctx, c, taken, func(held storage.Document) bool { return held.Owner == did })
	if err != nil {
		return nil, err
	}
	account, err := a.Store.AccountByHandle(ctx, handle)
	return a.checkFree(ctx, c, did, account, err, taken)
}

// ClaimEmail is ClaimHandle for an address.
func (a *Accounts) ClaimEmail(ctx context.Context, email string, did syntax.DID) (release func(), err error) {
	if err := a.HoldEmail(ctx, email, did); err != nil {
		return nil, err
	}
	account, err := a.Store.AccountByEmail(ctx, email)
	return a.checkFree(ctx, a.claim(KindEmailClaim, email), did, account, err, EmailTaken(email))
}

// HoldEmail reserves an address for a DID, which may hold it already, for [ClaimLifetime]. Error:
// an *xrpc.Error if another DID holds it.
func (a *Accounts) HoldEmail(ctx context.Context, email string, did syntax.DID) error {
	c := a.claim(KindEmailClaim, email)
	c.Value = []byte(did)
	return a.hold(ctx, c, EmailTaken(email), func(held storage.Document) bool {
		return string(held.Value) == did.String()
	})
}

// Drop removes a claim, or another document that expires by itself. Error: storage.ErrNotFound. Any
// other error is logged, too, because most callers ignore it.
func (a *Accounts) Drop(ctx context.Context, kind, id string) error {
	_, err := a.Store.TakeDocument(context.WithoutCancel(ctx), kind, id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		a.Logger.WarnContext(ctx, "hosting: a document stays until it expires", "kind", kind, "err", err)
	}
	return err
}

func (a *Accounts) claim(kind, id string) storage.Document {
	now := a.Now()
	return storage.Document{Kind: kind, ID: id, IssuedAt: now, ExpiresAt: now.Add(ClaimLifetime)}
}

// hold stores a claim. If there is one already, own says whether it is the caller's; if not, hold
// returns taken.
func (a *Accounts) hold(
	ctx context.Context, claim storage.Document, taken error, own func(storage.Document) bool,
) error {
	err := a.Store.PutDocument(ctx, storage.NewDocument{Document: claim})
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	held, err := a.Store.Document(ctx, claim.Kind, claim.ID)
	if err == nil && !own(held) || errors.Is(err, storage.ErrNotFound) { // which was removed just now
		err = taken
	}
	return err
}

// checkFree returns the function that releases a claim. If the account that was found has another
// DID, it releases the claim and returns taken.
func (a *Accounts) checkFree(
	ctx context.Context, claim storage.Document, did syntax.DID, found storage.Account, err, taken error,
) (release func(), _ error) {
	release = func() { a.Drop(ctx, claim.Kind, claim.ID) }
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && found.DID == did:
		return release, nil
	case err == nil:
		err = taken
	}
	release()
	return nil, err
}
