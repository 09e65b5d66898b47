package data

import (
	"bytes"

	"github.com/bluesky-social/indigo/atproto/atdata"
)

// Decode decodes a stored record from DAG-CBOR, as package atdata of indigo represents it. It is as
// lax as that, except that it refuses lengths that the bytes don't have, and more than
// [MaxStoredDepth] levels. Error: the bytes aren't an object of the data model.
func Decode(record []byte) (map[string]any, error) {
	if err := WellFormed(record); err != nil {
		return nil, err
	}
	return atdata.UnmarshalCBOR(record)
}

// Blobs returns the blobs that a record refers to, in no order, and those that it names twice,
// twice. It doesn't decode records that can't have any. Error: that of [Decode].
func Blobs(record []byte) ([]atdata.Blob, error) {
	if !bytes.Contains(record, []byte("mimeType")) { // blobs of both forms have this property
		return nil, nil
	}
	value, err := Decode(record)
	if err != nil {
		return nil, err
	}
	return atdata.ExtractBlobs(value), nil
}
