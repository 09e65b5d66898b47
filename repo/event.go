package repo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/ipfs/go-cid"
	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/storage"
)

// commitEvent makes the #commit event of the step from prev, which is zero for the first commit, to head.
//
// Spec: https://atproto.com/specs/sync
func commitEvent(
	now time.Time, prev, head storage.Head, ops []*comatproto.SyncSubscribeRepos_RepoOp, car []byte,
) (storage.Event, error) {
	e := &comatproto.SyncSubscribeRepos_Commit{
		Blobs:  []lexutil.LexLink{},
		Blocks: car,
		Commit: lexutil.LexLink(head.Commit),
		Ops:    ops,
		Repo:   string(head.DID),
		Rev:    string(head.Rev),
		Time:   timestamp(now),
	}
	if prev.Commit.Defined() {
		since := string(prev.Rev)
		e.Since, e.PrevData = &since, link(prev.Data)
	}
	return event(now, head.DID, storage.EventCommit, e)
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
	return event(now, head.DID, storage.EventSync, &comatproto.SyncSubscribeRepos_Sync{
		Blocks: carOf(head, nil),
		Did:    string(head.DID),
		Rev:    string(head.Rev),
		Time:   timestamp(now),
	})
}

func event(now time.Time, did syntax.DID, kind storage.EventKind, body cbg.CBORMarshaler) (storage.Event, error) {
	var b bytes.Buffer
	if err := body.MarshalCBOR(&b); err != nil {
		return storage.Event{}, fmt.Errorf("repo: encode %s: %w", kind, err)
	}
	return storage.Event{DID: did, Kind: kind, Time: now, Body: b.Bytes()}, nil
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// link returns c for an optional field: nil if it is undefined.
func link(c cid.Cid) *lexutil.LexLink {
	if !c.Defined() {
		return nil
	}
	return (*lexutil.LexLink)(&c)
}
