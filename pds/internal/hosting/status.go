package hosting

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// SetStatus changes an account, and writes events with the change if that changes the account's
// status: #account, and if the account becomes active, #identity and #sync too, because nobody has
// followed it meanwhile. With announce, it writes the #account event even if the status stays. A
// takedown, suspension or deactivation raises the account's epoch. Error: storage.ErrNotFound.
//
// The repo is locked while the account is being activated, so its #sync event precedes those of
// later commits.
func (a *Accounts) SetStatus(
	ctx context.Context, did syntax.DID, announce bool, change func(*storage.Account),
) error {
	for {
		before, err := a.Store.Account(ctx, did)
		if err != nil {
			return err
		}
		after := before
		change(&after)
		if after.Status() == storage.StatusActive && before.Status() != storage.StatusActive {
			err = a.Engine.Hold(ctx, did, func() error { return a.activate(ctx, before, change) })
		} else {
			err = a.setStatusOnce(ctx, before, announce, change)
		}
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// setStatusOnce returns errChanged if the account has changed since before was read so that the
// events wouldn't be right.
func (a *Accounts) setStatusOnce(
	ctx context.Context, before storage.Account, announce bool, change func(*storage.Account),
) error {
	after := before
	change(&after)
	changed := after.Status() != before.Status()
	var events []storage.Event
	if changed || announce {
		var err error
		if events, err = a.statusEvents(ctx, after, changed); err != nil {
			return err
		}
	}
	_, err := a.Store.UpdateAccount(ctx, before.DID, func(row *storage.Account) error {
		same := row.Status() == before.Status() && row.Handle == before.Handle
		change(row)
		if !same || row.Status() != after.Status() { // such as when a deactivation came in under a takedown
			return errChanged
		}
		if changed && row.Status() != storage.StatusActive {
			row.Epoch++ // writes that were begun before fail
		}
		return nil
	}, events...)
	return err
}

// activate is setStatusOnce for an account that becomes active. The caller holds the repo, but
// another server on the same store may import it in the same moment. Then the #sync event is out of
// date, and another follows.
func (a *Accounts) activate(ctx context.Context, before storage.Account, change func(*storage.Account)) error {
	said, err := a.Store.Head(ctx, before.DID)
	if err != nil {
		return err
	}
	if err := a.setStatusOnce(ctx, before, true, change); err != nil {
		return err
	}
	head, err := a.Store.Head(ctx, before.DID)
	if err != nil || head.Commit == said.Commit {
		return err
	}
	return a.appendSync(ctx, before.DID)
}

// Imported is to be called after an import without an event, which is how a repo is imported while
// its account isn't active. If the account was activated in the meantime, it tells the network of
// the repo.
func (a *Accounts) Imported(ctx context.Context, did syntax.DID) error {
	return a.Engine.Hold(ctx, did, func() error {
		account, err := a.Store.Account(ctx, did)
		if err != nil || account.Status() != storage.StatusActive {
			return err
		}
		return a.appendSync(ctx, did)
	})
}

// appendSync writes a #sync event. The caller holds the repo, so that no later commit's event comes
// before it.
func (a *Accounts) appendSync(ctx context.Context, did syntax.DID) error {
	event, err := a.Engine.SyncEvent(ctx, did)
	if err != nil {
		return err
	}
	_, err = a.Store.AppendEvents(ctx, event)
	return err
}

// errChanged: the account is no longer what its events were made for.
var errChanged = errors.New("hosting: the account has changed meanwhile")

func (a *Accounts) statusEvents(ctx context.Context, row storage.Account, changed bool) ([]storage.Event, error) {
	now := a.Now()
	event, err := firehose.AccountEvent(row.DID, row.Status(), now)
	if err != nil || !changed || row.Status() != storage.StatusActive {
		return []storage.Event{event}, err
	}
	identity, err := firehose.IdentityEvent(row.DID, row.Handle, now)
	if err != nil {
		return nil, err
	}
	sync, err := a.Engine.SyncEvent(ctx, row.DID)
	return []storage.Event{event, identity, sync}, err
}
