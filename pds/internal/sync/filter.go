package sync

import (
	"bytes"
	"strings"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// filter is what a client of subscribeRepos wants.
type filter struct {
	dids     map[syntax.DID]bool // nil for all
	exact    map[string]bool     // collections
	prefixes []string            // of collections, with the final dot
}

// Every event is held against all that a client names.
const (
	maxWantedCollections = 100
	maxWantedDIDs        = 10_000
)

// newFilter refuses what names too many.
func newFilter(in *filterParams) (*filter, error) {
	if len(in.WantedCollections) > maxWantedCollections || len(in.WantedDIDs) > maxWantedDIDs {
		return nil, xrpc.InvalidRequest("Error: at most %d wantedCollections and %d wantedDids can be given",
			maxWantedCollections, maxWantedDIDs)
	}
	f := &filter{}
	if len(in.WantedDIDs) > 0 {
		f.dids = map[syntax.DID]bool{}
		for _, did := range in.WantedDIDs {
			f.dids[did] = true
		}
	}
	if len(in.WantedCollections) > 0 {
		f.exact = map[string]bool{}
	}
	for _, c := range in.WantedCollections {
		if prefix, ok := strings.CutSuffix(c, "*"); ok {
			f.prefixes = append(f.prefixes, prefix)
		} else {
			f.exact[c] = true
		}
	}
	return f, nil
}

// has reports whether the client wants an event. A commit is wanted whole or not at all: a part of it couldn't be
// verified.
func (f *filter) has(e *firehose.Frame) bool {
	if f.dids != nil && !f.dids[e.DID] {
		return false
	}
	if f.exact == nil || e.Kind != storage.EventCommit {
		return true
	}
	var commit comatproto.SyncSubscribeRepos_Commit
	if err := commit.UnmarshalCBOR(bytes.NewReader(e.Body())); err != nil {
		return true // who filters must not lose what can't be told
	}
	for _, op := range commit.Ops {
		collection, _, _ := strings.Cut(op.Path, "/")
		if f.exact[collection] {
			return true
		}
		for _, prefix := range f.prefixes {
			if strings.HasPrefix(collection, prefix) {
				return true
			}
		}
	}
	return false
}
