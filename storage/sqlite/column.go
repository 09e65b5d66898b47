package sqlite

import (
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"
)

// Readers of a row's columns, the counterparts of bind. What they return is the caller's.

func columnBytes(r *lite.Stmt, col int) []byte {
	b := make([]byte, r.ColumnLen(col))
	r.ColumnBytes(col, b)
	return b
}

func columnCID(r *lite.Stmt, col int) (cid.Cid, error) {
	b := columnBytes(r, col)
	if len(b) == 0 {
		return cid.Undef, nil
	}
	c, err := cid.Cast(b)
	if err != nil {
		return cid.Undef, fmt.Errorf("sqlite: stored CID: %w", err)
	}
	return c, nil
}

// columnCIDText reads a CID that is stored as its string.
func columnCIDText(r *lite.Stmt, col int) (cid.Cid, error) {
	c, err := cid.Decode(r.ColumnText(col))
	if err != nil {
		return cid.Undef, fmt.Errorf("sqlite: stored CID: %w", err)
	}
	return c, nil
}

func columnTime(r *lite.Stmt, col int) time.Time {
	return time.UnixMicro(r.ColumnInt64(col)).UTC()
}

func scanCIDText(r *lite.Stmt) (cid.Cid, error) { return columnCIDText(r, 0) }
