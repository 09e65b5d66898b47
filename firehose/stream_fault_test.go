package firehose_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

var errBroken = errors.New("broken")

// unlisted is a store that can't be asked for events while it is broken.
type unlisted struct {
	storage.Store
	broken atomic.Bool
}

func (s *unlisted) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	if s.broken.Load() {
		return func(yield func(storage.Event, error) bool) { yield(storage.Event{}, errBroken) }
	}
	return s.Store.ListEvents(ctx, r)
}

// A reader that is busy while the store fails, and while another reader makes the stream work again, isn't left with a gap:
// it ends.
func TestNoGapAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &unlisted{Store: memory.New()}
		log := firehose.Log{Events: store}
		stream := firehose.NewStream(firehose.StreamConfig{Events: log})
		busy, ended := make(chan struct{}), make(chan error, 1)
		last := int64(0)
		go func() {
			for frames, err := range stream.Read(t.Context(), firehose.Cursor{Live: true}) {
				if err != nil {
					ended <- err
					return
				}
				for _, f := range frames {
					if f.Seq != last+1 {
						t.Errorf("got %d after %d", f.Seq, last)
					}
					last = f.Seq
				}
				<-busy
			}
		}()
		synctest.Wait()
		appendEvents(t, log, 1)
		synctest.Wait()
		store.broken.Store(true)
		appendEvents(t, log, 1) // which the pump can't read
		synctest.Wait()
		store.broken.Store(false)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for range stream.Read(ctx, firehose.Cursor{Live: true}) {
			}
		}()
		synctest.Wait()
		close(busy)
		synctest.Wait()
		appendEvents(t, log, 1)
		if err := <-ended; err == nil {
			t.Error("it ended without an error")
		}
		cancel()
		synctest.Wait()
	})
}

// However large the events are, a reader that lags takes no more than a few MiB of them at a time.
func TestBatchBytes(t *testing.T) {
	const size, count, limit = 1 << 20, 20, 6 << 20
	var body bytes.Buffer
	link, err := cid.NewPrefixV1(cid.DagCBOR, multihash.SHA2_256).Sum(nil)
	if err != nil {
		t.Fatal(err)
	}
	msg := comatproto.SyncSubscribeRepos_Commit{
		Repo: "did:web:a.example", Commit: lexutil.LexLink(link), Blocks: make([]byte, size),
	}
	if err := msg.MarshalCBOR(&body); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		log := firehose.Log{Events: memory.New()}
		stream := firehose.NewStream(firehose.StreamConfig{Events: log})
		write := func() {
			for range count {
				e := storage.Event{DID: "did:web:a.example", Kind: storage.EventCommit, Time: time.Now(), Body: body.Bytes()}
				if _, err := log.AppendEvents(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
		}
		write()
		last, resume := int64(0), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for frames, err := range stream.Read(ctx, firehose.Cursor{}) {
				taken := 0
				for _, f := range frames {
					if f.Seq != last+1 {
						t.Errorf("got %d after %d", f.Seq, last)
					}
					last, taken = f.Seq, taken+len(f.CBOR())
				}
				if taken > limit {
					t.Errorf("%d bytes at a time", taken)
				}
				if err == nil && last == count+1 { // live
					<-resume
				}
			}
		}()
		synctest.Wait()
		write()
		synctest.Wait()
		close(resume)
		synctest.Wait()
		if last != 2*count {
			t.Errorf("got %d events", last)
		}
		cancel()
		synctest.Wait()
	})
}
