package firehose_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// hooked is a store that calls a function before the events after a number are listed, once.
type hooked struct {
	storage.Store
	after int64
	hook  func()
}

func (s *hooked) ListEvents(ctx context.Context, r storage.EventRange) iter.Seq2[storage.Event, error] {
	if hook := s.hook; hook != nil && r.After == s.after && r.Limit > 1 {
		s.hook = nil
		hook()
	}
	return s.Store.ListEvents(ctx, r)
}

// Live readers are told that they were too slow if the stream itself was: if events were removed
// before it had read them.
func TestStreamOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		log := firehose.Log{Events: store}
		appendEvents(t, log, 1)
		stream := firehose.NewStream(firehose.StreamConfig{Events: &hooked{Store: store, after: 2, hook: func() {
			appendEvents(t, log, 2)
			if _, err := store.TrimEvents(t.Context(), time.Now().Add(time.Hour), 3); err != nil {
				t.Error(err)
			}
		}}})
		ended := make(chan error, 1)
		go func() {
			for _, err := range stream.Read(t.Context(), firehose.Cursor{Live: true}) {
				if err != nil {
					ended <- err
					return
				}
			}
		}()
		synctest.Wait()
		appendEvents(t, log, 1)
		if err := <-ended; !errors.Is(err, firehose.ErrTooSlow) {
			t.Errorf("it ended with %v", err)
		}
	})
}
