package repo

import (
	"slices"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/ipfs/go-cid"
)

// order puts the operations of a commit that leaves nothing of the old records into an order in which indigo, and so
// every relay built on it, can invert them. It is a no-op for all other commits.
//
// Indigo's tree doesn't survive being emptied on the way: it stays as high as its last key was. Indigo means to
// invert deletions first, which would keep the tree filled, but its sorting compares by path too, and so the outcome
// depends on the order that it starts from. The operations of a commit have no order of their own, so any that works
// will do.
func order(ops []*comatproto.SyncSubscribeRepos_RepoOp, root *mst.Node) {
	created := make(map[string]struct{}, len(ops))
	for _, op := range ops {
		if op.Action == string(Create) {
			created[op.Path] = struct{}{}
		}
	}
	if len(created) == 0 || len(created) == len(ops) || !only(root, created) {
		return
	}
	for range ops {
		if !empties(ops) {
			return
		}
		first := ops[0]
		copy(ops, ops[1:])
		ops[len(ops)-1] = first
	}
}

// only says whether a tree has no keys but those given. What isn't loaded has others.
func only(n *mst.Node, keys map[string]struct{}) bool {
	for i := range n.Entries {
		e := &n.Entries[i]
		if e.IsValue() {
			if _, ok := keys[string(e.Key)]; !ok {
				return false
			}
		} else if e.Child == nil || !only(e.Child, keys) {
			return false
		}
	}
	return true
}

// empties says whether indigo would invert all creations before the first deletion.
func empties(ops []*comatproto.SyncSubscribeRepos_RepoOp) bool {
	list := make([]repo.Operation, len(ops))
	for i, op := range ops {
		list[i] = repo.Operation{Path: op.Path, Value: (*cid.Cid)(op.Cid), Prev: (*cid.Cid)(op.Prev)}
	}
	list, err := repo.NormalizeOps(list)
	if err != nil {
		return false // for a duplicate path, which there is none
	}
	firstDelete := slices.IndexFunc(list, func(op repo.Operation) bool { return op.IsDelete() })
	return !slices.ContainsFunc(list[max(firstDelete, 0):], func(op repo.Operation) bool { return op.IsCreate() })
}
