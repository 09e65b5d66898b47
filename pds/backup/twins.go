package backup

import (
	"context"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// twins are the records that a CAR file names without having them where a reader comes to them: it has them at an earlier
// path, or not at all. Which of the two, only a second reading tells, unless all records' CIDs were kept in memory.
type twins struct{ missing map[cid.Cid]struct{} }

// see notes a row of the first reading.
func (t *twins) see(row storage.Row) error {
	if row.Record == nil || row.Record.Bytes != nil {
		return nil
	}
	if t.missing == nil {
		t.missing = make(map[cid.Cid]struct{})
	}
	t.missing[row.Record.CID] = struct{}{}
	return nil
}

func (t *twins) any() bool { return len(t.missing) > 0 }

// find reads a repo again, and says whether it has all of them.
func (t *twins) find(ctx context.Context, b Bucket, did syntax.DID, segments []segment, spillDir string) error {
	r := openSegments(ctx, b, segments)
	defer r.Close()
	c, err := pdsrepo.OpenCopy(ctx, did, r, spillDir)
	if err != nil {
		return err
	}
	defer c.Close()
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if row.Record != nil && row.Record.Bytes != nil {
			delete(t.missing, row.Record.CID)
		}
	}
	for missing := range t.missing {
		return fmt.Errorf("%w: record %s", pdsrepo.ErrMissingBlock, missing)
	}
	return nil
}
