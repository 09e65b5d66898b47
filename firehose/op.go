package firehose

import (
	"fmt"
	"sync"

	"github.com/ipfs/go-cid"
	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Record returns the record that a Create or Update has written, DAG-CBOR. The bytes are the event's, and not to be
// altered. They aren't hashed again: the log is the server's own.
//
// Error: storage.ErrNotFound after a Delete, and if the event doesn't contain the record.
func (o *Op) Record() ([]byte, error) {
	if o.blocks != nil && o.CID.Defined() {
		if b, ok := o.blocks.find()[o.CID]; ok {
			return b, nil
		}
	}
	return nil, fmt.Errorf("firehose: record of %s %s/%s: %w", o.Action, o.Collection, o.RecordKey, storage.ErrNotFound)
}

// Value returns the record as package atdata of indigo represents the data model. Errors: those of Record, and that it
// isn't one.
func (o *Op) Value() (map[string]any, error) {
	b, err := o.Record()
	if err != nil {
		return nil, err
	}
	value, err := data.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("firehose: decode %s/%s: %w", o.Collection, o.RecordKey, err)
	}
	return value, nil
}

// Decode stores the record in what into points to: one of indigo's generated types, or anything that the record's JSON
// can be decoded into; see [DecodeRecord]. Errors: those of Value, and that the record doesn't fit.
func (o *Op) Decode(into any) error {
	if into, ok := into.(cbg.CBORUnmarshaler); ok {
		b, err := o.Record()
		if err != nil {
			return err
		}
		if err := data.Unmarshal(b, into); err != nil {
			return fmt.Errorf("firehose: decode %s/%s: %w", o.Collection, o.RecordKey, err)
		}
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return err
	}
	if err := DecodeRecord(value, into); err != nil {
		return fmt.Errorf("firehose: decode %s/%s: %w", o.Collection, o.RecordKey, err)
	}
	return nil
}

// blocks are those that come with a commit, as a CAR file. They're looked through once, when the first is asked for.
type blocks struct {
	car    []byte
	commit *Commit
	once   sync.Once
	byCID  map[cid.Cid][]byte // of the commit's records
}

func (b *blocks) find() map[cid.Cid][]byte {
	b.once.Do(func() {
		b.byCID = make(map[cid.Cid][]byte, len(b.commit.Ops))
		for i := range b.commit.Ops {
			if c := b.commit.Ops[i].CID; c.Defined() {
				b.byCID[c] = nil
			}
		}
		for c, block := range data.CARBlocks(b.car) {
			if _, wanted := b.byCID[c]; wanted {
				b.byCID[c] = block
			}
		}
		for c, block := range b.byCID {
			if block == nil {
				delete(b.byCID, c)
			}
		}
	})
	return b.byCID
}
