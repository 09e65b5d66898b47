package firehose_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// Readers that join at any moment of a busy log see each event after theirs once, in order, the live ones too.
func TestTail(t *testing.T) {
	const writers, each, readers = 4, 200, 8
	log := firehose.Log{Events: memory.New()}
	appendEvents(t, log, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				e, err := firehose.AccountEvent("did:web:a.example", storage.StatusActive, time.Now())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := log.AppendEvents(ctx, e); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for r := range readers {
		wg.Go(func() {
			after := int64(r * 10)
			for e, err := range log.Tail(ctx, after) {
				if err != nil {
					t.Errorf("reader %d stopped at %d: %v", r, after, err)
					return
				}
				if e.Seq <= after {
					t.Errorf("reader %d got %d after %d", r, e.Seq, after)
					return
				}
				if e.Seq != after+1 { // a memory store leaves no gaps
					t.Errorf("reader %d missed what is between %d and %d", r, after, e.Seq)
					return
				}
				if after = e.Seq; after == 100+writers*each {
					return
				}
			}
		})
	}
	wg.Wait()
}

// listed is a store that knows whether its events are being listed.
type listed struct {
	storage.Store
	open bool
}

func (s *listed) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		s.open = true
		defer func() { s.open = false }()
		s.Store.ListEvents(ctx, r)(yield)
	}
}

// A slow loop doesn't keep the store from clearing away what is written meanwhile.
func TestTailHoldsNoSnapshot(t *testing.T) {
	store := &listed{Store: memory.New()}
	log := firehose.Log{Events: store}
	const events = 1000
	for range events {
		e, err := firehose.AccountEvent("did:web:a.example", storage.StatusActive, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.AppendEvents(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for e, err := range log.Tail(t.Context(), 0) {
		if err != nil || store.open {
			t.Fatalf("a listing is under way at %d, %v", e.Seq, err)
		}
		if e.Seq == events {
			break
		}
	}
}

// A replay ends with what was there when it began, whatever is written meanwhile.
func TestReplay(t *testing.T) {
	log := firehose.Log{Events: memory.New()}
	appendEvents(t, log, 600)
	var last int64
	for e, err := range log.Replay(t.Context(), 10) {
		if err != nil {
			t.Fatal(err)
		}
		if last = e.Seq; last == 11 {
			appendEvents(t, log, 10)
		}
	}
	if last != 600 {
		t.Errorf("it ended after %d", last)
	}
	for e, err := range log.Replay(t.Context(), 610) {
		t.Errorf("after everything comes %d, %v", e.Seq, err)
	}
	for _, err := range log.Replay(t.Context(), 611) {
		if !errors.Is(err, firehose.ErrFutureCursor) {
			t.Errorf("after the end: %v", err)
		}
	}
	trim(t, log, 20)
	for _, err := range log.Replay(t.Context(), 10) {
		if !errors.Is(err, firehose.ErrOutdatedCursor) {
			t.Errorf("after trimming: %v", err)
		}
	}
}

// A write by another holder of the store is heard, too.
func TestTailHearsOtherWriters(t *testing.T) {
	store := memory.New()
	log, other := firehose.Log{Events: store}, firehose.Log{Events: store}
	heard := make(chan int64)
	go func() {
		for e, err := range log.Tail(t.Context(), 0) {
			if err != nil {
				return
			}
			heard <- e.Seq
		}
	}()
	for want := int64(1); want < 4; want++ {
		appendEvents(t, other, 1)
		if got := <-heard; got != want {
			t.Errorf("heard %d, want %d", got, want)
		}
	}
}

func TestTailEndsWithItsContext(t *testing.T) {
	log := firehose.Log{Events: memory.New()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range log.Tail(ctx, 0) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("the last pair has no error")
}

func TestEncode(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e, err := firehose.IdentityEvent("did:web:a.example", "a.example", at)
	if err != nil || e.Kind != storage.EventIdentity || e.DID != "did:web:a.example" {
		t.Fatalf("got %+v, %v", e, err)
	}
	var identity comatproto.SyncSubscribeRepos_Identity
	if err := identity.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
		t.Fatal(err)
	}
	if identity.Did != "did:web:a.example" || *identity.Handle != "a.example" || identity.Seq != 0 ||
		identity.Time != "2026-01-02T03:04:05.000Z" {
		t.Errorf("got %+v", identity)
	}
	for _, status := range []storage.AccountStatus{storage.StatusActive, storage.StatusDeactivated, storage.StatusTakendown} {
		e, err := firehose.AccountEvent("did:web:a.example", status, at)
		if err != nil {
			t.Fatal(err)
		}
		var account comatproto.SyncSubscribeRepos_Account
		if err := account.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
			t.Fatal(err)
		}
		if account.Active != (status == storage.StatusActive) || account.Active != (account.Status == nil) ||
			account.Status != nil && *account.Status != string(status) {
			t.Errorf("%q became %+v", status, account)
		}
	}
}
