package pds

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// setStatus changes an account in a way that may change its status, and writes the events of that with it: #account, and
// when the account becomes active #identity and #sync too, since nobody has followed it meanwhile. announce says to write
// the #account event also if the status stays. Error: storage.ErrNotFound.
//
// While an account is activated its repo isn't written: its #sync comes before the events of all later commits.
func (s *Server) setStatus(ctx context.Context, did syntax.DID, announce bool, change func(*storage.Account)) error {
	for {
		before, err := s.store.Account(ctx, did)
		if err != nil {
			return err
		}
		after := before
		change(&after)
		if after.Status() == storage.StatusActive && before.Status() != storage.StatusActive {
			err = s.engine.Hold(ctx, did, func() error { return s.activate(ctx, before, change) })
		} else {
			err = s.setStatusOnce(ctx, before, announce, change)
		}
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// setStatusOnce returns errChanged if the account isn't what it was before, or wouldn't become what that would.
func (s *Server) setStatusOnce(
	ctx context.Context, before storage.Account, announce bool, change func(*storage.Account),
) error {
	after := before
	change(&after)
	var events []storage.Event
	if changed := after.Status() != before.Status(); changed || announce {
		var err error
		if events, err = s.statusEvents(ctx, after, changed); err != nil {
			return err
		}
	}
	_, err := s.store.UpdateAccount(ctx, before.DID, func(a *storage.Account) error {
		same := a.Status() == before.Status() && a.Handle == before.Handle
		change(a)
		if !same || a.Status() != after.Status() { // a takedown that is lifted may have hidden a deactivation
			return errChanged
		}
		return nil
	}, events...)
	return err
}

// activate is setStatusOnce for an account that becomes active. Its repo is held here; on another node that serves the
// same store it may have been imported in the same moment, and then is no longer what the event says.
func (s *Server) activate(ctx context.Context, before storage.Account, change func(*storage.Account)) error {
	said, err := s.store.Head(ctx, before.DID)
	if err != nil {
		return err
	}
	if err := s.setStatusOnce(ctx, before, true, change); err != nil {
		return err
	}
	head, err := s.store.Head(ctx, before.DID)
	if err != nil || head.Commit == said.Commit {
		return err
	}
	return s.tell(ctx, before.DID)
}

// tellIfActive tells the network of a repo that was imported while its account wasn't active, if it is so now: it was
// activated in the same moment.
func (s *Server) tellIfActive(ctx context.Context, did syntax.DID) error {
	return s.engine.Hold(ctx, did, func() error {
		account, err := s.store.Account(ctx, did)
		if err != nil || account.Status() != storage.StatusActive {
			return err
		}
		return s.tell(ctx, did)
	})
}

// tell writes a #sync event. The caller holds the repo, so that no later commit's event comes before it.
func (s *Server) tell(ctx context.Context, did syntax.DID) error {
	event, err := s.engine.SyncEvent(ctx, did)
	if err != nil {
		return err
	}
	_, err = s.store.AppendEvents(ctx, event)
	return err
}

// errChanged: the account isn't any more what its events were made for.
var errChanged = errors.New("pds: the account has changed meanwhile")

func (s *Server) statusEvents(ctx context.Context, a storage.Account, changed bool) ([]storage.Event, error) {
	now := s.now()
	event, err := firehose.AccountEvent(a.DID, a.Status(), now)
	if err != nil || !changed || a.Status() != storage.StatusActive {
		return []storage.Event{event}, err
	}
	identity, err := firehose.IdentityEvent(a.DID, a.Handle, now)
	if err != nil {
		return nil, err
	}
	sync, err := s.engine.SyncEvent(ctx, a.DID)
	return []storage.Event{event, identity, sync}, err
}
