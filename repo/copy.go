package repo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Copy is a repo as a CAR file has it, under the very commit that it has there: what a mirror or a backup works with.
// [Engine.Import], in contrast, makes a new commit.
//
// It is read once, by Rows or by WriteTo, and then closed.
type Copy struct {
	// Head is the commit that is the file's root. Whose signature it has isn't checked.
	Head storage.Head

	im *importer
}

// OpenCopy reads a CAR file as far as its commit. Blocks may come in any order; those that come before they are needed are
// held, in memory and then in a file in spillDir, or in os.TempDir() if that is "". So the newest state of a repo may also
// be read from an older CAR file of it if newer blocks come first.
//
// Errors: those of r, wrapped; [ErrInvalidCAR] and its kinds, also if the repo isn't that of did.
func OpenCopy(ctx context.Context, did syntax.DID, r io.Reader, spillDir string) (*Copy, error) {
	car, err := data.NewCARReader(r)
	if err != nil {
		return nil, err
	}
	if spillDir == "" {
		spillDir = os.TempDir()
	}
	c := &Copy{im: &importer{ctx: ctx, car: car, held: newHeld(32<<20, spillDir), blobs: storedRecordBlobs}}
	if err := c.readHead(car.Root(), did); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Copy) readHead(root cid.Cid, did syntax.DID) error {
	block, err := c.im.need(root)
	if err != nil {
		return err
	}
	if err := c.im.held.put(root, block); err != nil { // for commit, which takes it
		return err
	}
	commit, err := c.im.commit(root, did, nil)
	if err != nil {
		return err
	}
	c.Head = storage.Head{DID: did, Commit: root, Rev: syntax.TID(commit.Rev), Data: commit.Data, Block: block}
	return nil
}

// Rows yields the tree and its records in pre-order, and then reads the file to its end. The tree
// is checked as by [Engine.Import], and the records by [data.Decode]: a copy has also what today's
// writers refuse. The rows are what [storage.Repos.Replace] takes. A record without bytes has those
// of an earlier row; that there is one isn't checked here. Memory doesn't grow with the number of
// rows.
//
// Errors: those of the file's reader, wrapped; [ErrInvalidCAR] and its kinds.
func (c *Copy) Rows() iter.Seq2[storage.Row, error] { return c.im.rows(c.Head.Data) }

// WriteTo writes what Rows yields as a CAR file in the order of [Engine.Export], and nothing that the newest tree doesn't
// need. Each row is shown to seen, unless that is nil, when it has been written. After an error, part of the file is
// written.
func (c *Copy) WriteTo(w io.Writer, seen func(storage.Row) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if _, err := out.Write(data.AppendCARHeader(nil, c.Head.Commit)); err != nil {
		return err
	}
	if err := data.WriteCARBlock(out, c.Head.Commit, c.Head.Block); err != nil {
		return err
	}
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if err := writeRow(out, row); err != nil {
			return err
		}
		if seen == nil {
			continue
		}
		if err := seen(row); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeRow(w io.Writer, row storage.Row) error {
	switch {
	case row.Node != nil:
		return data.WriteCARBlock(w, row.Node.CID, row.Node.Bytes)
	case row.Record.Bytes != nil:
		return data.WriteCARBlock(w, row.Record.CID, row.Record.Bytes)
	}
	return nil // the file has it already
}

// Close frees what is held. It doesn't close the reader.
func (c *Copy) Close() { c.im.held.close() }

// SyncEvent makes the #sync event that says that a repo is now what head says.
func SyncEvent(now time.Time, head storage.Head) (storage.Event, error) {
	if !head.Commit.Defined() {
		return storage.Event{}, errors.New("repo: a #sync event needs a commit")
	}
	return syncEvent(now, head)
}
