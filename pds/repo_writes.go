package pds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/record"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Write is a write to one record: [Repo.Apply] makes it, and [Hooks] are asked about it.
type Write struct {
	Action     repo.Action
	Collection syntax.NSID
	RecordKey  syntax.RecordKey // if "", Apply makes one, unless Action is repo.Delete

	// Value is anything that encodes to the record's JSON, such as one of indigo's generated types.
	// It is nil to delete. A hook gets the json.RawMessage that the client sent; see
	// [Write.Decode]. Package json puts U+FFFD in the place of bytes that aren't UTF-8; escaped
	// JSON of half a surrogate pair is refused.
	Value any

	// Swap is the CID that the record has to have now, undefined if there has to be none. If nil,
	// it may be whatever it is.
	Swap *cid.Cid
}

// Decode decodes the value into what v points to, as [firehose.DecodeRecord] does: unlike package
// json, it ignores properties whose names differ from a field's in case. Error: an *xrpc.Error that
// says what doesn't fit, to be returned to the client.
func (w Write) Decode(v any) error {
	var record map[string]any
	raw, err := json.Marshal(w.Value)
	if err == nil {
		record, err = data.FromJSON(raw)
	}
	if err == nil {
		err = firehose.DecodeRecord(record, v)
	}
	var mistyped *json.UnmarshalTypeError // its text names the host's types
	switch {
	case errors.As(err, &mistyped):
		return xrpc.InvalidRequest("Invalid record: %s must not be of type %s", mistyped.Field, mistyped.Value)
	case err != nil:
		return xrpc.InvalidRequest("Invalid record: %s", err)
	}
	return nil
}

// Written is what came of a [Write].
type Written struct {
	URI syntax.ATURI
	CID cid.Cid // undefined for what was deleted
}

// Apply makes one commit of up to 200 writes to different records: all of them are done, or none.
// It returns what came of each, in their order.
//
// Errors: auth.ErrAccountNotFound, auth.ErrAccountDeactivated, auth.ErrAccountTakedown; an
// *xrpc.Error, as of com.atproto.repo.applyWrites, for writes that aren't possible, with the name
// InvalidSwap for a Swap that doesn't hold.
func (r Repo) Apply(ctx context.Context, writes ...Write) ([]Written, error) {
	batch := make([]record.Write, len(writes))
	for i, w := range writes {
		batch[i] = record.Write{Action: w.Action, Collection: w.Collection, RecordKey: w.RecordKey, Swap: w.Swap}
		if w.Action == repo.Delete {
			continue
		}
		var err error
		if batch[i].Value, err = json.Marshal(w.Value); err != nil {
			return nil, fmt.Errorf("pds: encoding a record: %w", err)
		}
	}
	done, err := r.write(ctx, batch)
	if err != nil {
		return nil, err
	}
	out := make([]Written, len(writes))
	for i := range out {
		out[i] = Written{URI: r.uri(done.Paths[i]), CID: done.Ops[i].CID}
	}
	return out, nil
}

// write tries again if the account's epoch has risen meanwhile. Only the account's status matters
// to the host, which has no session that a new password could end.
func (r Repo) write(ctx context.Context, batch []record.Write) (record.Written, error) {
	for {
		account, err := r.server.hosted.In(ctx, r.did, auth.Active)
		if err != nil {
			return record.Written{}, err
		}
		done, err := r.server.records.Write(ctx, account, batch...)
		if !errors.Is(err, storage.ErrGuard) {
			return done, err
		}
	}
}

// Put creates or replaces a record, as [Repo.Apply] does; if the record key is "", one is made. It
// returns the record's URI and CID.
func (r Repo) Put(ctx context.Context, collection syntax.NSID, rkey syntax.RecordKey, value any) (syntax.ATURI, cid.Cid, error) {
	w, err := r.Apply(ctx, Write{Action: repo.Put, Collection: collection, RecordKey: rkey, Value: value})
	if err != nil {
		return "", cid.Undef, err
	}
	return w[0].URI, w[0].CID, nil
}

// Delete deletes a record, as [Repo.Apply] does. To delete what isn't there is no error.
func (r Repo) Delete(ctx context.Context, collection syntax.NSID, rkey syntax.RecordKey) error {
	_, err := r.Apply(ctx, Write{Action: repo.Delete, Collection: collection, RecordKey: rkey})
	return err
}
