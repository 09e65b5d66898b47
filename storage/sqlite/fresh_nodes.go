package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/storage"
)

// maxFresh is how many bytes of new nodes are kept apart from the others. A commit of one record writes 2 to 4 KB of them;
// of a commit that writes many, most will stay.
const maxFresh = 16 << 10

// writeNodes adds and drops nodes of a content that may have been written by earlier commits.
func writeNodes(db *conn, content int64, c storage.Commit) error {
	old, err := freshNodes(db, content)
	if err != nil {
		return err
	}
	dropped := make(map[cid.Cid]struct{}, len(c.DropNodes))
	for _, n := range c.DropNodes {
		dropped[n] = struct{}{}
	}
	for _, n := range old {
		if _, drop := dropped[n.CID]; drop {
			delete(dropped, n.CID)
		} else if err := putNode(db, content, n, n.Rev); err != nil {
			return err
		}
	}
	for n := range dropped {
		if err := db.exec(`DELETE FROM nodes WHERE content = ?1 AND cid = ?2`, content, n); err != nil {
			return err
		}
	}
	return putNewNodes(db, content, c.NewNodes, c.Head.Rev, len(old) > 0)
}

// putNewNodes stores the nodes of a commit, in place of the fresh ones if there are any.
func putNewNodes(db *conn, content int64, nodes []storage.Block, rev syntax.TID, replace bool) error {
	size := 0
	for _, n := range nodes {
		size += n.CID.ByteLen() + len(n.Bytes) + 2*binary.MaxVarintLen32
	}
	if len(nodes) > 0 && size <= maxFresh {
		return db.exec(`INSERT OR REPLACE INTO fresh_nodes (content, count, rev, nodes) VALUES (?1, ?2, ?3, ?4)`,
			content, len(nodes), rev, encodeNodes(nodes, size))
	}
	if replace {
		if err := db.exec(`DELETE FROM fresh_nodes WHERE content = ?1`, content); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		if err := putNode(db, content, n, rev); err != nil {
			return err
		}
	}
	return nil
}

func putNode(db *conn, content int64, n storage.Block, rev syntax.TID) error {
	return db.exec(`INSERT OR REPLACE INTO nodes (content, cid, rev, bytes) VALUES (?1, ?2, ?3, ?4)`, content, n.CID, rev, n.Bytes)
}

// freshNodes returns the fresh nodes of a content, often none.
func freshNodes(db *conn, content int64) ([]storage.Block, error) {
	nodes, err := one(db, scanFreshNodes, `SELECT rev, nodes FROM fresh_nodes WHERE content = ?1`, content)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return nodes, err
}

func scanFreshNodes(r *lite.Stmt) ([]storage.Block, error) {
	return decodeNodes(columnBytes(r, 1), syntax.TID(r.ColumnText(0)))
}

func encodeNodes(nodes []storage.Block, size int) []byte {
	b := make([]byte, 0, size)
	for _, n := range nodes {
		b = append(binary.AppendUvarint(b, uint64(n.CID.ByteLen())), n.CID.KeyString()...)
		b = append(binary.AppendUvarint(b, uint64(len(n.Bytes))), n.Bytes...)
	}
	return b
}

var errFreshNodes = errors.New("sqlite: stored nodes are malformed")

// decodeNodes keeps b.
func decodeNodes(b []byte, rev syntax.TID) (nodes []storage.Block, err error) {
	part := func() []byte {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			b, err = nil, errFreshNodes
			return nil
		}
		p := b[n : n+int(size) : n+int(size)]
		b = b[n+int(size):]
		return p
	}
	for len(b) > 0 {
		raw := part()
		n := storage.Block{Rev: rev, Bytes: part()}
		if err == nil {
			n.CID, err = cid.Cast(raw)
		}
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}
