package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// content restores an account and all that belongs to it. The account is created first, without its
// repo's content, because its blobs need it. If what follows fails, the account is deleted again;
// if the process dies, a later try finds the account and goes on. An account that was there before
// is never deleted: by now somebody may use it.
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
	created, err := r.create(ctx, row, private.SealedKey, c.Head)
	if err != nil {
		return err
	}
	if err := r.fill(ctx, man, private, c); err != nil {
		if created {
			_, undo := r.Store.DeleteAccount(context.WithoutCancel(ctx), man.DID)
			err = errors.Join(err, undo)
		}
		return err
	}
	return r.takedowns(ctx, &private)
}

// fill restores the documents, the blobs and the repo of an account that is there.
func (r *restorer) fill(ctx context.Context, man manifest, private Private, c *pdsrepo.Copy) error {
	if err := r.documents(ctx, private); err != nil {
		return err
	}
	if err := r.blobs(ctx, man); err != nil {
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
	return err
}

// create creates an account with its sealed key, and reports whether it hadn't been there.
func (r *restorer) create(
	ctx context.Context, account storage.Account, key []byte, head storage.Head,
) (created bool, err error) {
	did := account.DID
	if len(key) > 0 {
		err := r.put(ctx, storage.Document{Kind: storage.KindKey, ID: string(did), Owner: did, Value: key})
		if err != nil {
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
		return false, fmt.Errorf("backup: %s: %w", did, err)
	}
	return created, nil
}

// documents restores the documents of an account, but for its key.
func (r *restorer) documents(ctx context.Context, private Private) error {
	did := private.DID
	if len(private.Preferences) > 0 {
		err := r.put(ctx, storage.Document{
			Kind: storage.KindPreferences, ID: string(did), Owner: did, Value: private.Preferences,
		})
		if err != nil {
			return err
		}
	}
	for _, t := range private.Tokens {
		if t.ExpiresAt.Year() == 9999 {
			t.ExpiresAt = time.Time{}
		}
		err := r.put(ctx, storage.Document{
			Kind: t.Kind, ID: t.ID, Owner: did, Value: t.Value, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put stores a document, unless an earlier try has. Error: [ErrNotEmpty] if there is another in its
// place.
func (r *restorer) put(ctx context.Context, d storage.Document) error {
	err := r.Store.PutDocument(ctx, storage.NewDocument{Document: d})
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	there, err := r.Store.Document(ctx, d.Kind, d.ID)
	if err == nil && !bytes.Equal(there.Value, d.Value) {
		err = fmt.Errorf("%w: it has another document of kind %q, %s", ErrNotEmpty, d.Kind, d.ID)
	}
	return err
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
