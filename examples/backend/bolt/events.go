package bolt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// eventRow is what is kept of an event, in front of its body.
type eventRow struct {
	DID  string
	Kind storage.EventKind
	Time time.Time
}

// AppendEvents implements [storage.Events].
func (s *Store) AppendEvents(ctx context.Context, log ...storage.Event) (seq int64, err error) {
	err = s.update(ctx, func(t tx) error {
		seq, err = t.append(log)
		return err
	})
	return seq, err
}

// ListEvents implements [storage.Events].
func (s *Store) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return list(ctx, s, func(t tx, yield func(storage.Event) bool) error {
		bucket, prefix := events, []byte(nil)
		if r.DID != "" {
			bucket, prefix = eventsByDID, begin(r.DID.String())
		}
		n := 0
		for k, v := range t.scan(bucket, key(prefix, max(r.After, 0)+1), after(prefix)) {
			if n++; r.Limit > 0 && n > r.Limit {
				return nil
			}
			seq := k[len(prefix):]
			if r.DID != "" {
				v = t.get(events, seq)
			}
			e, err := decodeEvent(seq, v)
			if err != nil {
				return err
			}
			if !yield(e) {
				return nil
			}
		}
		return nil
	})
}

// LastSeq implements [storage.Events].
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	return view(ctx, s, func(t tx) (int64, error) { return int64(t.Bucket(events).Sequence()), nil })
}

// RaiseSeq implements [storage.Events].
func (s *Store) RaiseSeq(ctx context.Context, seq int64) error {
	if seq < 0 || seq > storage.MaxSeq {
		return fmt.Errorf("bolt: sequence number %d is out of range", seq)
	}
	return s.update(ctx, func(t tx) error {
		b := t.Bucket(events)
		return b.SetSequence(uint64(max(int64(b.Sequence()), seq)))
	})
}

// TrimEvents implements [storage.Events].
func (s *Store) TrimEvents(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.update(ctx, func(t tx) error {
		var old []storage.Event
		for k, v := range t.scan(events, nil, nil) {
			e, err := decodeEvent(k, v)
			if err != nil {
				return err
			}
			if len(old) >= limit || !e.Time.Before(before) {
				break
			}
			old = append(old, e)
		}
		n = len(old)
		return t.removeEvents(old)
	})
	return n, err
}

// append appends events and returns the last one's number, 0 if there are none.
func (t tx) append(log []storage.Event) (seq int64, err error) {
	if len(log) > 0 {
		t.OnCommit(t.store.written.ring)
	}
	for _, e := range log {
		n, err := t.Bucket(events).NextSequence()
		if err != nil {
			return 0, err
		}
		if n > storage.MaxSeq {
			return 0, errors.New("bolt: no sequence number is left")
		}
		seq = int64(n)
		row, err := encode(eventRow{e.DID.String(), e.Kind, e.Time.UTC()}, e.Body)
		if err != nil {
			return 0, err
		}
		if err := t.put(events, key(seq), row); err != nil {
			return 0, err
		}
		if err := t.put(eventsByDID, key(e.DID.String(), key(seq)), nil); err != nil {
			return 0, err
		}
	}
	return seq, nil
}

// dropEvents removes all events of an account.
func (t tx) dropEvents(did syntax.DID) error {
	var old []storage.Event
	prefix := begin(did.String())
	for k := range t.prefixed(eventsByDID, prefix) {
		old = append(old, storage.Event{Seq: number(k[len(prefix):]), DID: did})
	}
	return t.removeEvents(old)
}

func (t tx) removeEvents(old []storage.Event) error {
	for _, e := range old {
		if err := t.delete(events, key(e.Seq)); err != nil {
			return err
		}
		if err := t.delete(eventsByDID, key(e.DID.String(), key(e.Seq))); err != nil {
			return err
		}
	}
	return nil
}

func decodeEvent(k, v []byte) (storage.Event, error) {
	var row eventRow
	body, err := decode(v, &row)
	return storage.Event{Seq: number(k), DID: syntax.DID(row.DID), Kind: row.Kind, Time: row.Time, Body: body}, err
}
