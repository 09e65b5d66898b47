package repo

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Genesis makes the first commit of a new repo, which is empty, with its events: #commit and #sync. It stores nothing; the
// commit is for a [storage.NewAccount], which may bring further events.
func (e *Engine) Genesis(ctx context.Context, did syntax.DID) (storage.Commit, error) {
	now := e.now()
	rev, err := nextRev(now)
	if err != nil {
		return storage.Commit{}, err
	}
	block, root, err := encodeNode(mst.NewEmptyTree().Root)
	if err != nil {
		return storage.Commit{}, err
	}
	head, err := e.sign(ctx, did, rev, root)
	if err != nil {
		return storage.Commit{}, err
	}
	nodes := []storage.Block{{CID: root, Bytes: block}}
	commit, err := commitEvent(now, storage.Head{}, head, nil, carOf(head, nodes))
	if err != nil {
		return storage.Commit{}, err
	}
	sync, err := syncEvent(now, head)
	if err != nil {
		return storage.Commit{}, err
	}
	return storage.Commit{Head: head, NewNodes: nodes, Events: []storage.Event{commit, sync}}, nil
}
