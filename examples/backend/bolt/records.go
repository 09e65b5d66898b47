package bolt

import (
	"context"
	"crypto/sha256"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Record implements [storage.RepoReader].
func (s *Store) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	return reader{store: s}.Record(ctx, did, path)
}

func (r reader) Record(ctx context.Context, did syntax.DID, path string) (storage.Record, error) {
	return read(ctx, r, func(t tx) (storage.Record, error) {
		g, err := t.content(did)
		if err != nil {
			return storage.Record{}, err
		}
		return t.record(did, path, t.get(records, key(g, path)))
	})
}

// Records implements [storage.RepoReader].
func (s *Store) Records(ctx context.Context, did syntax.DID, in storage.RecordRange) iter.Seq2[storage.Record, error] {
	return list(ctx, s, func(t tx, yield func(storage.Record) bool) error { return t.records(did, in, yield) })
}

func (r reader) Records(ctx context.Context, did syntax.DID, in storage.RecordRange) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		stopped, err := loop(ctx, *r.in, func(t tx, yield func(storage.Record) bool) error {
			return t.records(did, in, yield)
		}, yield)
		if err != nil && !stopped {
			yield(storage.Record{}, err)
		}
	}
}

// records calls yield with the records of a range. Whichever bucket it scans, the path follows the
// prefix.
func (t tx) records(did syntax.DID, in storage.RecordRange, yield func(storage.Record) bool) error {
	if err := in.Validate(); err != nil {
		return err
	}
	g, err := t.content(did)
	if err != nil || g == 0 {
		return err
	}
	index, prefix := records, key(g)
	switch {
	case in.Subject != "":
		index, prefix = subjects, key(g, hashSubject(in.Subject))
	case in.Blob.Defined():
		index, prefix = refs, begin(g, in.Blob.String())
	}
	indexed := len(prefix) > len(key(g))
	low, high := bounds(prefix, in)
	scan := t.scan
	if in.Reverse {
		scan = t.scanBack
	}
	n := 0
	for k, v := range scan(index, low, high) {
		if n++; in.Limit > 0 && n > in.Limit {
			return nil
		}
		path := string(k[len(prefix):])
		if indexed {
			v = t.get(records, key(g, path))
		}
		rec, err := t.record(did, path, v)
		if err != nil {
			return err
		}
		if !yield(rec) {
			return nil
		}
	}
	return nil
}

// bounds returns the first key of a range and the first key after it, where a path follows prefix.
func bounds(prefix []byte, in storage.RecordRange) (low, high []byte) {
	if in.Collection == "" {
		return prefix, after(prefix)
	}
	collection := in.Collection.String() + "/"
	low, high = key(prefix, collection), after(key(prefix, collection))
	if in.After != "" {
		low = key(prefix, collection+in.After.String(), "") // with a zero: the next key
	}
	if in.Before != "" {
		high = key(prefix, collection+in.Before.String())
	}
	return low, high
}

// hashSubject returns what stands for a subject in a key, for which the subject may be too long.
func hashSubject(subject string) []byte {
	sum := sha256.Sum256([]byte(subject))
	return sum[:]
}
