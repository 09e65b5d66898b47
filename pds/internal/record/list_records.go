package record

import (
	"context"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type listRecordsParams struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Collection syntax.NSID         `json:"collection"`
	Limit      int                 `json:"limit,omitempty" default:"50" min:"1" max:"100"`
	Cursor     syntax.RecordKey    `json:"cursor,omitempty"`
	Reverse    bool                `json:"reverse,omitempty"`
}

type recordList struct {
	did     syntax.DID
	records []storage.Record
	cursor  syntax.RecordKey // where to go on, "" at the end
}

// maxPage is how many bytes of records end a page before its limit: a hundred of the largest would be a hundred
// megabytes, at anybody's wish.
const maxPage = 4 << 20

// listRecords lists a collection from the highest record key down, or with reverse from the lowest up.
func (h *Handler) listRecords(ctx context.Context, c *xrpc.Call[listRecordsParams]) (*recordList, error) {
	in := &c.Input
	account, err := h.Accounts.Readable(ctx, in.Repo, c.Caller)
	if err != nil {
		return nil, undeclared(err)
	}
	r := storage.RecordRange{Collection: in.Collection, Limit: in.Limit, Reverse: !in.Reverse}
	if in.Reverse {
		r.After = in.Cursor
	} else {
		r.Before = in.Cursor
	}
	list := &recordList{did: account.DID}
	n, size := 0, 0
	for record, err := range h.Store.Records(ctx, account.DID, r) {
		if err != nil {
			return nil, err
		}
		if record.TakedownRef == "" {
			list.records = append(list.records, record)
		}
		n, size = n+1, size+len(record.Bytes)
		if n == in.Limit || size > maxPage {
			_, rkey, _ := strings.Cut(record.Path, "/")
			list.cursor = syntax.RecordKey(rkey)
			break
		}
	}
	return list, nil
}

// AppendJSON implements [xrpc.JSONAppender].
func (l *recordList) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"records":[`...)
	for i, r := range l.records {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = (&recordView{did: l.did, record: r}).AppendJSON(dst); err != nil {
			return nil, err
		}
	}
	dst = append(dst, ']')
	if l.cursor != "" {
		dst = append(dst, `,"cursor":"`...)
		dst = append(dst, l.cursor...)
		dst = append(dst, '"')
	}
	return append(dst, '}'), nil
}
