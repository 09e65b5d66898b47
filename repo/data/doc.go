// Package data is the protocol's data model as bytes: records as DAG-CBOR and as JSON, blocks of
// CAR files, nodes of a Merkle Search Tree, and the bodies of events. All bytes of the data model
// are walked here, and it imports nothing of this module, so that every package can use it.
//
// # Writers are strict
//
// [FromJSON], [Encode] and [Check] accept what the specification calls valid and what its official
// clients read: canonical DAG-CBOR, integers that a JavaScript number holds, objects and arrays
// nested at most [MaxDepth] levels. A record that [Check] accepts can be exported, imported,
// mirrored, restored and decoded anywhere. Package repo calls it for every record that it signs.
//
// # Readers are lax
//
// Earlier versions accepted deeper records, and imported some that weren't canonical. [Decode],
// [AppendJSON], [Blobs], [Unmarshal] and the CAR functions read those too, down to [MaxStoredDepth]
// levels. They trust nothing: no input makes them panic, and what they allocate is
// at most a small multiple of its size.
//
// Spec: https://atproto.com/specs/data-model
package data

import "github.com/bluesky-social/indigo/atproto/atdata"

const (
	// MaxDepth is how many levels of objects and arrays a new record may have. The record itself is
	// the first. Links and bytes add no level, although they are objects in JSON.
	MaxDepth = atdata.MAX_CBOR_NESTED_LEVELS

	// MaxStoredDepth is how many levels readers follow. Records could once have as many as package
	// encoding/json decodes, which is 10,000.
	MaxStoredDepth = 1 << 14

	// MaxRecordBytes limits the DAG-CBOR of a record.
	MaxRecordBytes = atdata.MAX_CBOR_RECORD_SIZE

	// maxInteger is the largest integer, and the smallest negated, that a JavaScript number holds
	// exactly.
	maxInteger = atdata.MAX_SAFE_INTEGER
)
