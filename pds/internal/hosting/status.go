package hosting

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// SetStatus changes an account in a way that may change its status, and writes the events of that with it: #account,
// and when the account becomes active #identity and #sync too, since nobody has followed it meanwhile. announce says to
// write the #account event also if the status stays. A takedown, suspension or deactivation raises the account's epoch.
// Error: storage.ErrNotFound.
//
// The repo is locked while the account is being activated, so its #sync event precedes those of later commits.
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

// setStatusOnce returns errChanged if the account isn't what it was before, or wouldn't become what that would.
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
		if !same || row.Status() != after.Status() { // a takedown that is lifted may have hidden a deactivation
			return errChanged
		}
		if changed && row.Status() != storage.StatusActive {
			row.Epoch++ // what was begun before isn't carried out after this
		}
		return nil
	}, events...)
	return err
}

// activate is setStatusOnce for an account that becomes active. Its repo is held here; on another node that serves the
// same store it may have been imported in the same moment, and then is no longer what the event says.
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

// Imported tells the network of a repo that was imported without an event because its account wasn't active, if it is
// active now: it was activated in the same moment.
func (a *Accounts) Imported(ctx context.Context, did syntax.DID) error {
	return a.Engine.Hold(ctx, did, func() error {
		account, err := a.Store.Account(ctx, did)
		if err != nil || account.Status() != storage.StatusActive {
			return err
		}
		return a.appendSync(ctx, did)
	})
}

// appendSync writes a #sync event. The caller holds the repo, so that no later commit's event comes before it.
func (a *Accounts) appendSync(ctx context.Context, did syntax.DID) error {
	event, err := a.Engine.SyncEvent(ctx, did)
	if err != nil {
		return err
	}
	_, err = a.Store.AppendEvents(ctx, event)
	return err
}

// errChanged: the account isn't any more what its events were made for.
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
