package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

const (
	newerRecords  = 10  // of a collection
	oldestRecords = 100 // of a repo that are looked at for one that the service knows
)

// newer returns the records of some collections that were written after a rev, oldest first.
func (h *Handler) newer(
	ctx context.Context, did syntax.DID, collections []syntax.NSID, rev syntax.TID,
) ([]patch.Record, error) {
	rows, err := h.Engine.Newer(ctx, did, rev, collections, newerRecords)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r storage.Record) bool { return r.TakedownRef != "" })
	if len(rows) == 0 {
		return nil, nil
	}
	if known, err := h.known(ctx, did, rev); err != nil || !known {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b storage.Record) int { return strings.Compare(a.Rev.String(), b.Rev.String()) })
	records := make([]patch.Record, len(rows))
	for i, row := range rows {
		value, err := decodeRecord(row)
		if err != nil {
			return nil, err
		}
		uri := syntax.ATURI("at://" + did.String() + "/" + row.Path)
		records[i] = patch.Record{URI: uri, CID: row.CID, Time: row.Rev.Time(), Value: value}
	}
	return records, nil
}

// known reports whether a service that has come to a rev seems to know any record of the repo. If not, it has followed
// another server's repo of the account, which has moved here, or hasn't begun yet: what was written just now can't be told
// from what was imported then.
func (h *Handler) known(ctx context.Context, did syntax.DID, rev syntax.TID) (bool, error) {
	for row, err := range h.Records.Records(ctx, did, storage.RecordRange{Limit: oldestRecords}) {
		if err != nil || row.Rev <= rev {
			return err == nil, err
		}
	}
	return false, nil
}

// record returns a record, nil if there is none that may be shown.
func (h *Handler) record(
	ctx context.Context, did syntax.DID, collection syntax.NSID, key syntax.RecordKey,
) (map[string]any, error) {
	row, err := h.Records.Record(ctx, did, collection.String()+"/"+key.String())
	if errors.Is(err, storage.ErrNotFound) || err == nil && row.TakedownRef != "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRecord(row)
}

func decodeRecord(row storage.Record) (value map[string]any, err error) {
	raw, err := data.AppendJSON(nil, row.Bytes)
	if err != nil {
		return nil, err
	}
	err = unmarshal(raw, &value)
	return value, err
}
