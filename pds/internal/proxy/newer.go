package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

const (
	// newestRecords is how many records of a collection are looked at, by their keys, which tell the time of most.
	newestRecords = 10

	// oldestRecords is how many records of a repo are looked at for one that the service knows.
	oldestRecords = 100
)

// newer returns the records of some collections that were written after a rev, oldest first.
//
// There are none if the service seems to know no record at all: it has followed another server's repo of the account,
// which has moved here, or hasn't begun yet. What was written just now can't be told from what was imported then.
func (s *Server) newer(
	ctx context.Context, did syntax.DID, collections []syntax.NSID, rev syntax.TID,
) ([]patch.Record, error) {
	var rows []storage.Record
	known := false
	for _, collection := range collections {
		newest := storage.RecordRange{Collection: collection, Reverse: true, Limit: newestRecords}
		for row, err := range s.Records.Records(ctx, did, newest) {
			switch {
			case err != nil:
				return nil, err
			case row.Rev <= rev:
				known = true
			case row.TakedownRef == "":
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	if !known {
		for row, err := range s.Records.Records(ctx, did, storage.RecordRange{Limit: oldestRecords}) {
			if err != nil {
				return nil, err
			}
			known = known || row.Rev <= rev
		}
	}
	if !known {
		return nil, nil
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

// record returns a record, nil if there is none that may be shown.
func (s *Server) record(
	ctx context.Context, did syntax.DID, collection syntax.NSID, key syntax.RecordKey,
) (map[string]any, error) {
	row, err := s.Records.Record(ctx, did, collection.String()+"/"+key.String())
	if errors.Is(err, storage.ErrNotFound) || err == nil && row.TakedownRef != "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRecord(row)
}

func decodeRecord(row storage.Record) (value map[string]any, err error) {
	raw, err := xrpc.AppendJSON(nil, row.Bytes)
	if err != nil {
		return nil, err
	}
	err = unmarshal(raw, &value)
	return value, err
}
