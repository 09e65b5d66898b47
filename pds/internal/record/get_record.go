package record

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

type getRecordParams struct {
	Repo       syntax.AtIdentifier `json:"repo"`
	Collection syntax.NSID         `json:"collection"`
	RecordKey  syntax.RecordKey    `json:"rkey"`
	CID        string              `json:"cid,omitempty"`
}

// recordView is a record as the client sees it.
type recordView struct {
	did    syntax.DID
	record storage.Record
}

// errNoRepo: the repo isn't here.
var errNoRepo = errors.New("record: no such repo")

// getRecordHereOrElsewhere is getRecord for any repo of the network, if there is a service that knows others. Apps look so at
// what somebody has said of who may reply to a post, or quote it.
func (h *Handler) getRecordHereOrElsewhere() xrpc.Method {
	m := xrpc.Query("com.atproto.repo.getRecord", auth.Public, h.getRecord)
	if h.Elsewhere == nil {
		return m
	}
	return m.Around(func(w http.ResponseWriter, c *xrpc.Call[struct{}], next func() error) error {
		err := next()
		if errors.Is(err, errNoRepo) {
			return h.Elsewhere.Answer(w, c.Request)
		}
		return err
	})
}

func (h *Handler) getRecord(ctx context.Context, c *xrpc.Call[getRecordParams]) (*recordView, error) {
	in := &c.Input
	account, err := h.Accounts.Readable(ctx, in.Repo, c.Caller)
	if e, ok := err.(*xrpc.Error); ok && e.Name == "RepoNotFound" {
		return nil, fmt.Errorf("%w: %w", errNoRepo, undeclared(err))
	}
	if err != nil {
		return nil, undeclared(err)
	}
	path := in.Collection.String() + "/" + in.RecordKey.String()
	record, err := h.Store.Record(ctx, account.DID, path)
	hidden := record.TakedownRef != "" || in.CID != "" && in.CID != record.CID.String()
	if errors.Is(err, storage.ErrNotFound) || err == nil && hidden {
		return nil, xrpc.Errorf("RecordNotFound", "Could not locate record: %s", uri(account.DID, path))
	}
	if err != nil {
		return nil, err
	}
	return &recordView{did: account.DID, record: record}, nil
}

// undeclared renames an error to InvalidRequest, because the lexicons of getRecord and listRecords
// don't declare its own name.
func undeclared(err error) error {
	if e, ok := err.(*xrpc.Error); ok {
		return xrpc.InvalidRequest("%s", e.Message)
	}
	return err
}

// AppendJSON implements [xrpc.JSONAppender].
func (v *recordView) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"uri":"`...) // neither DIDs nor paths nor CIDs have characters to escape
	dst = append(dst, "at://"...)
	dst = append(dst, v.did...)
	dst = append(dst, '/')
	dst = append(dst, v.record.Path...)
	dst = append(dst, `","cid":"`...)
	dst = append(dst, v.record.CID.String()...)
	dst = append(dst, `","value":`...)
	dst, err := data.AppendJSON(dst, v.record.Bytes)
	return append(dst, '}'), err
}
