package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// content restores an account and its repo. The account comes into being without the repo's content, which follows at
// once; if that fails, the account goes again, and if the process dies between the two, a later try finds it and goes on. An
// account that was there before never goes: by now it may be somebody's.
func (r *restorer) content(ctx context.Context, man manifest) error {
	c, done, err := r.open(ctx, man)
	if err != nil {
		return err
	}
	defer done()
	row, private, err := r.row(ctx, man)
	if err != nil {
		return err
	}
	created, err := r.create(ctx, row, private, c.Head)
	if err != nil {
		return err
	}
	account, err := r.Store.Account(ctx, man.DID)
	if err != nil {
		return err
	}
	events, err := r.events(account, c.Head)
	if err != nil {
		return err
	}
	_, err = r.Store.Replace(ctx, storage.Commit{Prev: c.Head.Commit, Head: c.Head, Events: events}, c.Rows())
	if err != nil && created {
		_, undo := r.Store.DeleteAccount(context.WithoutCancel(ctx), man.DID)
		err = errors.Join(err, undo)
	}
	if err != nil {
		return err
	}
	return r.takedowns(ctx, &private)
}

// create creates an account, with its key, preferences and tokens, and reports whether it hadn't been there.
func (r *restorer) create(
	ctx context.Context, account storage.Account, private Private, head storage.Head,
) (created bool, err error) {
	did := account.DID
	if len(private.SealedKey) > 0 {
		if err := r.Store.PutKey(ctx, string(did), private.SealedKey); err != nil {
			return false, err
		}
	} else {
		r.done.NoKey++
	}
	there, err := r.Store.Head(ctx, did)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		err = r.insert(ctx, account, head)
		created = err == nil
	case err == nil && there.Commit != head.Commit:
		err = ErrNotEmpty
	}
	if err != nil {
		return created, fmt.Errorf("backup: %s: %w", did, err)
	}
	if len(private.Preferences) > 0 {
		err := r.Store.UpdatePreferences(ctx, did, func([]byte) ([]byte, error) { return private.Preferences, nil })
		if err != nil {
			return created, err
		}
	}
	for _, t := range private.Tokens {
		err := r.Store.PutToken(ctx, storage.Token{
			Kind: t.Kind, ID: t.ID, DID: did, Value: t.Value, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
		})
		if err != nil && !errors.Is(err, storage.ErrExists) {
			return created, err
		}
	}
	return created, nil
}

// insert stores a new account. The mirror has the rows of different moments: a handle or an address that one account has
// given up and another has taken since may be in both. It stays with the first, and the second is restored without it.
func (r *restorer) insert(ctx context.Context, account storage.Account, head storage.Head) error {
	for {
		_, err := r.Store.CreateAccount(ctx, storage.NewAccount{Account: account, Commit: storage.Commit{Head: head}})
		switch {
		case errors.Is(err, storage.ErrHandleTaken) && account.Handle != "":
			account.Handle = ""
		case errors.Is(err, storage.ErrEmailTaken) && account.Email != "":
			account.Email, account.EmailConfirmedAt = "", time.Time{}
		default:
			return err
		}
		r.check.damaged(&Damage{DID: account.DID, Err: err})
	}
}

// row returns the account's row. Where the mirror has no private part, what is public is all there is.
func (r *restorer) row(ctx context.Context, man manifest) (storage.Account, Private, error) {
	p, err := loadPrivate(ctx, r.From, man.DID)
	if err == nil {
		return p.account(), p, nil
	}
	if !isNotExist(err) {
		return storage.Account{}, p, err
	}
	p = Private{DID: man.DID}
	a := storage.Account{DID: man.DID, Handle: man.Handle, CreatedAt: r.Now()}
	switch man.Status {
	case storage.StatusDeactivated:
		a.DeactivatedAt = r.Now()
	case storage.StatusTakendown, storage.StatusSuspended:
		a.TakedownRef, a.Suspended = "restored", man.Status == storage.StatusSuspended
	}
	return a, p, nil
}

// events tell relays of a restored account.
func (r *restorer) events(a storage.Account, head storage.Head) ([]storage.Event, error) {
	now := r.Now()
	identity, err := firehose.IdentityEvent(a.DID, a.Handle, now)
	if err != nil {
		return nil, err
	}
	status, err := firehose.AccountEvent(a.DID, a.Status(), now)
	if err != nil || a.Status() != storage.StatusActive {
		return []storage.Event{identity, status}, err
	}
	sync, err := pdsrepo.SyncEvent(now, head)
	return []storage.Event{identity, status, sync}, err
}
