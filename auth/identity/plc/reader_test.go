package plc

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// resolve returns the DID document.
func (c *Client) resolve(ctx context.Context, did syntax.DID) (document, error) {
	var doc document
	if err := c.get(ctx, did, "", &doc); err != nil {
		return document{}, err
	}
	if doc.ID != did {
		return document{}, fmt.Errorf("%w: document of %q for %s", ErrUnavailable, doc.ID, did)
	}
	return doc, nil
}

// log returns the operations that are in force, oldest first, unchecked.
func (c *Client) log(ctx context.Context, did syntax.DID) ([]Op, error) {
	var raws []json.RawMessage
	if err := c.get(ctx, did, "/log", &raws); err != nil {
		return nil, err
	}
	ops := make([]Op, len(raws))
	for i, raw := range raws {
		op, err := ParseOp(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: operation %d of %s", ErrUnavailable, i, did)
		}
		ops[i] = op
	}
	return ops, nil
}

// auditLog returns all operations, oldest first, nullified ones included. It is unchecked; see
// verify.
func (c *Client) auditLog(ctx context.Context, did syntax.DID) ([]Entry, error) {
	var log []Entry
	return log, c.get(ctx, did, "/log/audit", &log)
}

// verify checks a whole audit log, as auditLog returns it: the DID, every CID, signature and
// predecessor, and which entries are nullified. What it can't find out is whether the directory
// left something out, or misdated it.
//
// Errors: those of next; errOrder if a CID or a nullification is wrong, or the log is empty.
func verify(did syntax.DID, audit []Entry) error {
	if len(audit) == 0 {
		return fmt.Errorf("%w: empty log", errOrder)
	}
	var active []Entry
	var positions []int // of active's entries in audit
	for i, e := range audit {
		if c, err := CID(e.Op); err != nil || !c.Equals(e.CID) || e.DID != did {
			return fmt.Errorf("%w: entry %d isn't %s of %s", errOrder, i, e.CID, did)
		}
		n, err := next(did, active, e.Op, e.CreatedAt)
		if err != nil {
			return fmt.Errorf("plc: entry %d: %w", i, err)
		}
		keep := len(active) - n
		active, positions = append(active[:keep], e), append(positions[:keep], i)
	}
	for i, e := range audit {
		stays := len(positions) > 0 && positions[0] == i
		if stays {
			positions = positions[1:]
		}
		if e.Nullified == stays {
			return fmt.Errorf("%w: entry %d: nullified is %t", errOrder, i, e.Nullified)
		}
	}
	return nil
}
