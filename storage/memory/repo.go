package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
	"github.com/tidwall/btree"
)

// repo is all that one repo consists of.
type repo struct {
	head         storage.Head
	nodes        *btree.BTreeG[*storage.Block]
	records      *btree.BTreeG[*record] // by path
	recordsByCID *btree.BTreeG[*record] // of one CID those with the greatest rev first
	takenDown    *btree.BTreeG[*record] // by path
	refs         *btree.BTreeG[ref]
	subjects     *btree.BTreeG[subject]
}

type record struct {
	storage.Record
	blobs   []cid.Cid
	subject string
}

// subject says that a record names a subject.
type subject struct{ name, path string }

// ref says that a record refers to a blob.
type ref struct {
	blob string // the string of cid
	path string
	cid  cid.Cid
	rev  syntax.TID // of the record
}

func newRepo() *repo {
	return &repo{
		nodes:   table(func(a, b *storage.Block) int { return compareCIDs(a.CID, b.CID) }),
		records: table(func(a, b *record) int { return strings.Compare(a.Path, b.Path) }),
		recordsByCID: table(func(a, b *record) int {
			return cmp.Or(compareCIDs(a.CID, b.CID), -cmp.Compare(a.Rev, b.Rev), strings.Compare(a.Path, b.Path))
		}),
		takenDown: table(func(a, b *record) int { return strings.Compare(a.Path, b.Path) }),
		refs: table(func(a, b ref) int {
			return cmp.Or(strings.Compare(a.blob, b.blob), strings.Compare(a.path, b.path))
		}),
		subjects: table(func(a, b subject) int {
			return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.path, b.path))
		}),
	}
}

func compareCIDs(a, b cid.Cid) int { return strings.Compare(a.KeyString(), b.KeyString()) }

// clone returns a copy of r. Whoever calls it has the store's mutex.
func (r *repo) clone() *repo {
	c := *r
	c.nodes = r.nodes.Copy()
	c.records = r.records.Copy()
	c.recordsByCID = r.recordsByCID.Copy()
	c.takenDown = r.takenDown.Copy()
	c.refs = r.refs.Copy()
	c.subjects = r.subjects.Copy()
	return &c
}

// refers says whether a record refers to a blob.
func (r *repo) refers(blob string) (yes bool) {
	r.refs.Ascend(ref{blob: blob}, func(f ref) bool {
		yes = f.blob == blob
		return false
	})
	return yes
}

// recordWith returns the newest record with a CID, or nil.
func (r *repo) recordWith(c cid.Cid) (found *record) {
	r.recordsByCID.Ascend(&record{Record: storage.Record{CID: c, Rev: "~"}}, func(rec *record) bool {
		if rec.CID == c {
			found = rec
		}
		return false
	})
	return found
}

// block returns the block with a CID that the repo has now.
func (r *repo) block(c cid.Cid) (storage.Block, bool) {
	if b, ok := r.nodes.Get(&storage.Block{CID: c}); ok {
		return *b, true
	}
	if rec := r.recordWith(c); rec != nil {
		return storage.Block{CID: c, Rev: rec.Rev, Bytes: rec.Bytes}, true
	}
	if c == r.head.Commit {
		return storage.Block{CID: c, Rev: r.head.Rev, Bytes: r.head.Block}, true
	}
	return storage.Block{}, false
}

// repoOf is what to look for in the table of repos.
func repoOf(did syntax.DID) *repo { return &repo{head: storage.Head{DID: did}} }

// repo returns the repo of a DID, or nil.
func (s *state) repo(did syntax.DID) *repo {
	r, _ := s.repos.Get(repoOf(did))
	return r
}

// dropRepo removes a repo, if there is one.
func (s *state) dropRepo(did syntax.DID) {
	r, there := s.repos.Delete(repoOf(did))
	if !there {
		return
	}
	for _, collection := range r.collections() {
		s.members.Delete(member{collection, did})
	}
}

// reader reads the repos of the state that load returns.
type reader struct{ load func() *state }

var _ storage.RepoReader = reader{}

// Head implements [storage.RepoReader].
func (r reader) Head(ctx context.Context, did syntax.DID) (storage.Head, error) {
	p := r.load().repo(did)
	if p == nil {
		return found[storage.Head](ctx, nil)
	}
	return found(ctx, &p.head)
}

// Blocks implements [storage.RepoReader].
func (r reader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := r.load().repo(did)
	if p == nil {
		return nil, nil
	}
	blocks := make([]storage.Block, 0, len(want))
	for _, c := range want {
		if b, ok := p.block(c); ok {
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}

// Record implements [storage.RepoReader].
func (r reader) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	if p := r.load().repo(did); p != nil {
		if rec, ok := p.records.Get(&record{Record: storage.Record{Path: path}}); ok {
			return found(ctx, &rec.Record)
		}
	}
	return found[storage.Record](ctx, nil)
}

// Records implements [storage.RepoReader].
func (r reader) Records(
	ctx context.Context, did syntax.DID, in storage.RecordRange,
) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		if err := in.Validate(); err != nil {
			yield(storage.Record{}, err)
			return
		}
		p := r.load().repo(did)
		if p == nil {
			return
		}
		n := 0
		p.scan(in, func(rec *record) bool {
			if in.Limit > 0 && n >= in.Limit {
				return false
			}
			n++
			if err := ctx.Err(); err != nil {
				yield(storage.Record{}, err)
				return false
			}
			return yield(rec.Record, nil)
		})
	}
}

// Collections implements [storage.RepoReader].
func (r reader) Collections(ctx context.Context, did syntax.DID) ([]syntax.NSID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := r.load().repo(did)
	if p == nil {
		return nil, nil
	}
	all := p.collections()
	slices.Sort(all) // paths have another order: "a.b/c" comes after "a.b.c/d"
	return all, nil
}

// Stats implements [storage.RepoReader].
func (r reader) Stats(ctx context.Context, did syntax.DID) (storage.RepoStats, error) {
	p := r.load().repo(did)
	if p == nil {
		return storage.RepoStats{}, ctx.Err()
	}
	return storage.RepoStats{Nodes: int64(p.nodes.Len()), Records: int64(p.records.Len())}, ctx.Err()
}

// Snapshot implements [storage.Repos].
func (s *Store) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.now.Load()
	return read(reader{load: func() *state { return now }})
}
