package patch

import (
	"context"
	"net/url"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// Patch brings the answers to one query up to date.
type Patch struct {
	// Required.

	Method      syntax.NSID
	Collections []syntax.NSID // those whose new records it wants

	// Apply changes the answer's body, or leaves it alone. It isn't called if the account has no new records.
	Apply func(ctx context.Context, a *Answer) error

	// Optional.

	// Missing is called where the service answers with the error NotFound: what it misses may be among the new records.
	// The body is nil; if it stays so, the client gets the error. If nil, the client always does.
	Missing func(ctx context.Context, a *Answer) error
}

// Answer is what a service has answered, with what it doesn't know yet.
type Answer struct {
	// Body is the answer. It is JSON in Go's terms, with numbers as [encoding/json.Number].
	Body map[string]any

	Params  url.Values      // of the request
	Account storage.Account // that has made the request

	// Records are those of the patch's collections that were written, anew or for the first time, since the answer's state
	// of the repo, oldest first: of each collection up to ten, those with the greatest keys. One that was written anew may be
	// in the answer as it was before; of those that were deleted nothing is said. Records that moderators have taken down
	// aren't among them.
	Records []Record

	// Ask has the same service answer another query for the same account, without patches.
	Ask func(ctx context.Context, method syntax.NSID, params url.Values) (map[string]any, error)

	// Record returns a record of the account, whenever it was written; nil if there is none.
	Record func(ctx context.Context, collection syntax.NSID, key syntax.RecordKey) (map[string]any, error)

	// Handle returns the account behind a handle, if it is one of this server's.
	Handle func(ctx context.Context, handle syntax.Handle) (syntax.DID, error)
}

// Record is a record of the account that has made the request.
type Record struct {
	URI   syntax.ATURI
	CID   cid.Cid
	Time  time.Time      // when it was written
	Value map[string]any // the record's JSON, in the terms of [Answer.Body]
}
