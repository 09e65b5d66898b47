package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// prepared is a record that keeps the rules.
type prepared struct {
	bytes  []byte // DAG-CBOR
	blobs  []cid.Cid
	status lexicon.Status
}

// prepare checks a record that is about to be written, and encodes it: it is an object of the data model, its $type,
// which may be left out, is the collection, it is what its lexicon says if the client doesn't decline that, its size is
// bounded, and each blob that it refers to was uploaded and is described as it is.
func (s *Server) prepare(ctx context.Context, did syntax.DID, w *Write) (prepared, error) {
	data, err := parse(w.Value, w.Collection)
	if err != nil {
		return prepared{}, err
	}
	if err := s.upgradeBlobs(ctx, did, w, data); err != nil {
		return prepared{}, err
	}
	status, err := s.Lexicons.CheckRecord(ctx, w.Collection, w.RecordKey, data, w.Validate)
	if invalid := (*lexicon.InvalidError)(nil); errors.As(err, &invalid) {
		return prepared{}, xrpc.InvalidRequest("%s", invalid)
	}
	if err != nil {
		return prepared{}, err
	}
	b, err := appendCBOR(nil, data)
	if err != nil {
		return prepared{}, xrpc.InvalidRequest("Invalid record: %s", err)
	}
	if len(b) > atdata.MAX_CBOR_RECORD_SIZE {
		return prepared{}, xrpc.InvalidRequest("Record is too large: at most %d bytes", atdata.MAX_CBOR_RECORD_SIZE)
	}
	p := prepared{bytes: b, status: status}
	p.blobs, err = s.checkBlobs(ctx, did, atdata.ExtractBlobs(data))
	return p, err
}

func parse(record json.RawMessage, collection syntax.NSID) (map[string]any, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(record, " \t\r\n"), []byte("{")) {
		return nil, xrpc.InvalidRequest("Invalid record: must be an object")
	}
	data, err := atdata.UnmarshalJSON(record)
	if err != nil {
		return nil, xrpc.InvalidRequest("Invalid record: %s", err)
	}
	switch t, ok := data["$type"]; {
	case !ok:
		data["$type"] = collection.String()
	case t != collection.String():
		return nil, xrpc.InvalidRequest("Invalid $type: expected %s, got %v", collection, t)
	}
	return data, nil
}

// checkBlobs returns the CIDs of blobs, if they're described as they are.
func (s *Server) checkBlobs(ctx context.Context, did syntax.DID, blobs []atdata.Blob) ([]cid.Cid, error) {
	var cids []cid.Cid
	for _, b := range blobs {
		c := cid.Cid(b.Ref)
		if b.Size < 0 {
			return nil, xrpc.InvalidRequest("Legacy blobs are not allowed (%s)", c)
		}
		stored, err := s.Blob(ctx, did, c)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && stored.TakedownRef != "":
			return nil, blobNotFound(c)
		case err != nil:
			return nil, err
		case stored.MIMEType != b.MimeType:
			return nil, xrpc.Errorf("InvalidMimeType",
				"Referenced Mimetype does not match stored blob. Expected: %s, Got: %s", stored.MIMEType, b.MimeType)
		case stored.Size != b.Size:
			return nil, xrpc.Errorf("InvalidSize",
				"Referenced Size does not match stored blob. Expected: %d, Got: %d", stored.Size, b.Size)
		}
		cids = append(cids, c)
	}
	return cids, nil
}
