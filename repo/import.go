package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// ImportOptions say what an import is to be held against, and who hears of it.
type ImportOptions struct {
	// CheckKey is the key by which the imported commit must be signed. If nil, its signature isn't looked at.
	CheckKey atcrypto.PublicKey

	// Silent leaves out the event, for a repo that nobody is to hear of yet, such as that of an account that isn't active.
	Silent bool

	// Guard is a condition on the repo's account that is checked with the write; if nil, none.
	Guard *storage.Guard
}

// Import replaces the content of a repo by that of a CAR file, all at once and durably, under a new commit of our own
// with the same tree. Its rev is above that of the imported commit and that of the one replaced, and its event, unless there
// is to be none, is a #sync.
//
// The blocks may come in any order; those in the order of [Engine.Export] stream through, others
// are held, in memory and then in Config.SpillDir. Every block is checked against its CID, and the
// tree and its records are checked in full: keys, heights, order, encoding, and each record by
// [data.Check], as in [Engine.Apply]. Blocks that the tree doesn't need are ignored. Blobs that
// records refer to may be missing. Other writers of the repo wait meanwhile.
//
// Errors: those of r, wrapped; [ErrInvalidCAR] and its kinds [ErrMissingBlock] and [ErrRepoVersion]; storage.ErrNotFound
// if there is no such repo; storage.ErrConflict if it was written elsewhere meanwhile. Unless storage fails with
// an error that isn't a sentinel, nothing is stored when an error is returned.
func (e *Engine) Import(ctx context.Context, did syntax.DID, r io.Reader, o ImportOptions) (Result, error) {
	car, err := data.NewCARReader(r)
	if err != nil {
		return Result{}, err
	}
	im := &importer{ctx: ctx, car: car, held: newHeld(e.hold, e.spillDir), blobs: newRecordBlobs}
	defer im.held.close()
	imported, err := im.commit(car.Root(), did, o.CheckKey)
	if err != nil {
		return Result{}, err
	}

	a, err := e.actors.acquire(ctx, did)
	if err != nil {
		return Result{}, err
	}
	defer e.actors.release(a)
	a.drop()
	old, err := e.store.Head(ctx, did)
	if err != nil {
		return Result{}, fmt.Errorf("repo: %w", err)
	}
	now := e.now()
	rev, err := nextRev(now, old.Rev, syntax.TID(imported.Rev))
	if err != nil {
		return Result{}, err
	}
	head, err := e.sign(ctx, did, rev, imported.Data)
	if err != nil {
		return Result{}, err
	}
	var events []storage.Event
	if !o.Silent {
		event, err := syncEvent(now, head)
		if err != nil {
			return Result{}, err
		}
		events = append(events, event)
	}
	seq, err := e.store.Replace(ctx, storage.Commit{
		Prev: old.Commit, Head: head, AllowMissingBlobs: true, Guard: o.Guard, Events: events,
	}, im.rows(imported.Data))
	switch {
	case im.err != nil:
		return Result{}, im.err
	case errors.Is(err, storage.ErrNotFound): // of an earlier row with the same record
		return Result{}, fmt.Errorf("%w: record at %s", ErrMissingBlock, im.path)
	case err != nil:
		return Result{}, fmt.Errorf("repo: %w", err)
	}
	return Result{Changed: true, Commit: head.Commit, Rev: rev, Seq: seq}, nil
}

// importer reads blocks in the order in which they're needed.
type importer struct {
	ctx   context.Context
	car   *data.CARReader
	held  *held
	blobs func(record []byte) ([]cid.Cid, error) // checks a record, and returns the blobs that it refers to
	end   bool                                   // of car
	path  string                                 // of the record last come to
	err   error                                  // that ended rows
}

// commit reads and checks the imported commit.
func (im *importer) commit(root cid.Cid, did syntax.DID, key atcrypto.PublicKey) (*repo.Commit, error) {
	block, err := im.need(root)
	if err != nil {
		return nil, err
	}
	c, err := readCommit(block)
	if err != nil {
		return nil, fmt.Errorf("%w: commit: %w", ErrInvalidCAR, err)
	}
	if c.Version != repo.ATPROTO_REPO_VERSION {
		return nil, fmt.Errorf("%w: it is %d, and only %d is supported", ErrRepoVersion, c.Version, repo.ATPROTO_REPO_VERSION)
	}
	if err := c.VerifyStructure(); err != nil {
		return nil, fmt.Errorf("%w: commit: %w", ErrInvalidCAR, err)
	}
	if c.DID != string(did) {
		return nil, fmt.Errorf("%w: it is the repo of %s, not %s", ErrInvalidCAR, c.DID, did)
	}
	if !data.IsBlockCID(c.Data) {
		return nil, fmt.Errorf("%w: commit: unexpected CID of the data", ErrInvalidCAR)
	}
	if syntax.TID(c.Rev) > maxRev {
		return nil, fmt.Errorf("%w: rev %s leaves no room for a later one", ErrInvalidCAR, c.Rev)
	}
	if key != nil {
		if err := c.VerifySignature(key); err != nil {
			return nil, fmt.Errorf("%w: signature: %w", ErrInvalidCAR, err)
		}
	}
	return c, nil
}

// need returns a block, and reads on until it has come. Error: [ErrMissingBlock], at the end of the file.
func (im *importer) need(c cid.Cid) ([]byte, error) {
	block, ok, err := im.held.take(c)
	if ok || err != nil {
		return block, err
	}
	for !im.end {
		got, block, err := im.car.Next()
		if err == io.EOF {
			im.end = true
			break
		}
		if err != nil {
			return nil, err
		}
		if got == c {
			return block, nil
		}
		if err := im.held.put(got, block); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrMissingBlock, c)
}

// rows yields the tree and its records, checked, and then reads the file to its end.
func (im *importer) rows(root cid.Cid) iter.Seq2[storage.Row, error] {
	walk := newWalk(root, 1, func(want []cid.Cid) ([]storage.Block, error) {
		block, err := im.need(want[0])
		return []storage.Block{{CID: want[0], Bytes: block}}, err
	}, func(b *branch) error {
		if err := b.readForeign(); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidCAR, err)
		}
		return nil
	})
	return func(yield func(storage.Row, error) bool) {
		for {
			var row storage.Row
			s, err := walk.next()
			switch {
			case err == io.EOF:
				if im.err = im.drain(); im.err != nil {
					yield(row, im.err)
				}
				return
			case err != nil:
			case s.node != nil:
				row.Node, err = &s.node.Block, im.ctx.Err()
			default:
				row.Record, err = im.record(s)
			}
			im.err = err
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// drain reads the file to its end. What is left isn't needed, but shows that the file is whole.
func (im *importer) drain() error {
	for !im.end {
		if _, _, err := im.car.Next(); err == io.EOF {
			im.end = true
		} else if err != nil {
			return err
		}
	}
	return nil
}

// record reads and checks the record that the walk has come to.
func (im *importer) record(s step) (*storage.RecordWrite, error) {
	if s.path <= im.path {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidCAR, s.path, errKeyOrder)
	}
	im.path = s.path
	if err := checkPath(s.path); err != nil {
		return nil, fmt.Errorf("%w: path %q: %w", ErrInvalidCAR, s.path, err)
	}
	block, err := im.need(s.value)
	if errors.Is(err, ErrMissingBlock) {
		// A record that stands at several paths may be in the file just once. Whether an earlier row had it, and this
		// is why it isn't held any more, storage knows.
		return &storage.RecordWrite{Path: s.path, CID: s.value}, nil
	}
	if err != nil {
		return nil, err
	}
	blobs, err := im.blobs(block)
	if err != nil {
		return nil, fmt.Errorf("%w: record %s: %w", ErrInvalidCAR, s.path, err)
	}
	return &storage.RecordWrite{Path: s.path, CID: s.value, Bytes: block, Blobs: blobs, Subject: data.Subject(block)}, nil
}

// newRecordBlobs checks a record that is new to this server as Apply does.
func newRecordBlobs(record []byte) ([]cid.Cid, error) {
	if err := data.Check(record); err != nil {
		return nil, err
	}
	blobs, err := data.Blobs(record)
	return refs(blobs), err
}

// storedRecordBlobs checks a record that a server has already as readers do.
func storedRecordBlobs(record []byte) ([]cid.Cid, error) {
	value, err := data.Decode(record)
	return refs(atdata.ExtractBlobs(value)), err
}

// refs returns the CIDs of blobs, each once.
func refs(blobs []atdata.Blob) []cid.Cid {
	var cids []cid.Cid
	for _, b := range blobs {
		cids = append(cids, b.Ref.CID())
	}
	return distinct(cids)
}
