package repo

import (
	"context"
	"fmt"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// commitEvent makes the #commit event of the step from prev, which is zero for the first commit, to head.
//
// Spec: https://atproto.com/specs/sync
func commitEvent(
	now time.Time, prev, head storage.Head, ops []*comatproto.SyncSubscribeRepos_RepoOp, car []byte,
) (storage.Event, error) {
	body, err := data.CommitBody(data.CommitStep{
		DID: head.DID, Commit: head.Commit, Rev: head.Rev, Since: prev.Rev, PrevData: prev.Data, Ops: ops, Blocks: car,
	}, now)
	if err != nil {
		return storage.Event{}, fmt.Errorf("repo: encode %s: %w", storage.EventCommit, err)
	}
	return storage.Event{DID: head.DID, Kind: storage.EventCommit, Time: now, Body: body}, nil
}

// SyncEvent makes the #sync event that says what a repo is now. It stores nothing. Error: storage.ErrNotFound.
func (e *Engine) SyncEvent(ctx context.Context, did syntax.DID) (storage.Event, error) {
	head, err := e.store.Head(ctx, did)
	if err != nil {
		return storage.Event{}, fmt.Errorf("repo: %w", err)
	}
	return syncEvent(e.now(), head)
}

// syncEvent makes the #sync event that says that a repo is now what head says, however it came to be so.
func syncEvent(now time.Time, head storage.Head) (storage.Event, error) {
	body, err := data.SyncBody(head.DID, head.Rev, carOf(head, nil), now)
	if err != nil {
		return storage.Event{}, fmt.Errorf("repo: encode %s: %w", storage.EventSync, err)
	}
	return storage.Event{DID: head.DID, Kind: storage.EventSync, Time: now, Body: body}, nil
}
