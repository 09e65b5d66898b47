package sqlite

import (
	"context"
	"errors"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// Blocks runs within a transaction.
func (r reader) Blocks(ctx context.Context, did syntax.DID, want []cid.Cid) ([]storage.Block, error) {
	type repo struct {
		content int64
		commit  storage.Block
	}
	head, err := one(r.db, func(s *lite.Stmt) (repo, error) {
		c, err := columnCID(s, 1)
		return repo{s.ColumnInt64(0), storage.Block{CID: c, Rev: syntax.TID(s.ColumnText(2)), Bytes: columnBytes(s, 3)}}, err
	}, `SELECT content, head, rev, block FROM repos WHERE did = ?1`, did)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	fresh, err := freshNodes(r.db, head.content)
	if err != nil {
		return nil, err
	}
	blocks := make([]storage.Block, 0, len(want))
	for _, c := range want {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c == head.commit.CID {
			blocks = append(blocks, head.commit)
			continue
		}
		if i := slices.IndexFunc(fresh, func(n storage.Block) bool { return n.CID == c }); i >= 0 {
			blocks = append(blocks, fresh[i])
			continue
		}
		b, err := block(r.db, head.content, c)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// block returns a node, not a fresh one, or a record of a content.
func block(db *conn, content int64, c cid.Cid) (storage.Block, error) {
	scan := func(r *lite.Stmt) (storage.Block, error) {
		return storage.Block{CID: c, Rev: syntax.TID(r.ColumnText(0)), Bytes: columnBytes(r, 1)}, nil
	}
	b, err := one(db, scan, `SELECT rev, bytes FROM nodes WHERE content = ?1 AND cid = ?2`, content, c)
	if errors.Is(err, storage.ErrNotFound) {
		return recordBlock(db, content, c, scan)
	}
	return b, err
}
