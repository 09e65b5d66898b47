package firehose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/pdskit/pdskit/firehose"
)

// A log that was made to skip numbers has a gap that is nobody's loss: whoever reads from before it, inside it or its end,
// or live, gets what comes after it exactly once, whether that was there before the reader or comes later.
func TestRaisedLog(t *testing.T) {
	const before, raised, after = 10, 1000, 600 // the last is more than a batch
	for _, early := range []int{0, 1, 300, after} {
		for _, c := range []firehose.Cursor{
			{After: 0}, {After: before - 1}, {After: before}, {After: before + 1}, {After: raised / 2},
			{After: raised - 1}, {After: raised}, {Live: true},
		} {
			t.Run(fmt.Sprintf("%d events early, %+v", early, c), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					log := newLog(t, before)
					if err := log.RaiseSeq(t.Context(), raised); err != nil {
						t.Fatal(err)
					}
					appendEvents(t, log, early)
					want := numbers(c.After+1, before)
					want = append(want, numbers(raised+1, raised+after)...)
					if c.Live {
						want = numbers(raised+int64(early)+1, raised+after)
					}
					readers := []*seqReader{readStream(t, log, c)}
					if !c.Live {
						readers = append(readers, readSubscription(t, log, c.After))
					}
					synctest.Wait() // everybody has what is there
					appendEvents(t, log, (after-early)/2)
					synctest.Wait()
					appendEvents(t, log, after-early-(after-early)/2)
					synctest.Wait()
					for _, r := range readers {
						r.want(t, want)
					}
				})
			})
		}
	}
}

// A log that is made to skip numbers while it is read, as often as it likes, goes on for its readers.
func TestRaisedUnderReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t, 3)
		stream := readStream(t, log, firehose.Cursor{})
		live := readStream(t, log, firehose.Cursor{Live: true})
		subscription := readSubscription(t, log, 0)
		synctest.Wait()
		want := []int64{1, 2, 3}
		for _, raised := range []int64{100, 100, 50, 101, 5000} { // 50 and the second 100 change nothing, or little
			if err := log.RaiseSeq(t.Context(), raised); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			appendEvents(t, log, 1)
			synctest.Wait()
			last, err := log.LastSeq(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, last)
		}
		if !slices.Equal(want, []int64{1, 2, 3, 101, 102, 103, 104, 5001}) {
			t.Errorf("the log has %v", want)
		}
		stream.want(t, want)
		subscription.want(t, want)
		live.want(t, want[3:])
	})
}

// What a raised log has not given yet is in the future, from its end on.
func TestRaisedLogsFuture(t *testing.T) {
	log := newLog(t, 10)
	if err := log.RaiseSeq(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	stream := firehose.NewStream(firehose.StreamConfig{Events: log})
	for _, err := range stream.Read(t.Context(), firehose.Cursor{After: 1001}) {
		if !errors.Is(err, firehose.ErrFutureCursor) {
			t.Errorf("a stream: %v", err)
		}
	}
	for _, err := range log.Subscribe(t.Context(), 1001) {
		if !errors.Is(err, firehose.ErrFutureCursor) {
			t.Errorf("a subscription: %v", err)
		}
	}
	for _, after := range []int64{0, 10, 11, 500, 1000} {
		if outdated, err := stream.Outdated(t.Context(), firehose.Cursor{After: after}); err != nil || outdated {
			t.Errorf("a cursor of %d is outdated: %t, %v", after, outdated, err)
		}
	}
}

// seqReader collects the numbers that somebody reads.
type seqReader struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	got  []int64
	err  error
}

func newSeqReader(t *testing.T, name string, read func(context.Context, *seqReader) error) *seqReader {
	ctx, cancel := context.WithCancel(t.Context())
	r := &seqReader{name: name, stop: cancel, done: make(chan struct{})}
	go func() {
		r.err = read(ctx, r)
		close(r.done)
	}()
	return r
}

func readStream(t *testing.T, log firehose.Log, c firehose.Cursor) *seqReader {
	stream := firehose.NewStream(firehose.StreamConfig{Events: log})
	return newSeqReader(t, fmt.Sprintf("the stream from %+v", c), func(ctx context.Context, r *seqReader) error {
		for frames, err := range stream.Read(ctx, c) {
			if err != nil {
				return err
			}
			for _, f := range frames {
				r.got = append(r.got, f.Seq)
			}
		}
		return nil
	})
}

func readSubscription(t *testing.T, log firehose.Log, after int64) *seqReader {
	return newSeqReader(t, fmt.Sprint("the subscription after ", after), func(ctx context.Context, r *seqReader) error {
		for e, err := range log.Subscribe(ctx, after) {
			if err != nil {
				return err
			}
			r.got = append(r.got, e.Seq)
		}
		return nil
	})
}

// want ends the reading, and fails the test unless just these numbers were read.
func (r *seqReader) want(t *testing.T, want []int64) {
	t.Helper()
	r.stop()
	<-r.done
	if !slices.Equal(r.got, want) || !errors.Is(r.err, context.Canceled) {
		t.Errorf("%s: got %d numbers, %v, want %d: %s", r.name, len(r.got), r.err, len(want), difference(r.got, want))
	}
}

func difference(got, want []int64) string {
	for i := range max(len(got), len(want)) {
		if g, w := at(got, i), at(want, i); g != w {
			return fmt.Sprintf("number %d is %d, want %d", i, g, w)
		}
	}
	return "none"
}

// at returns 0 beyond the end.
func at(s []int64, i int) int64 {
	if i < len(s) {
		return s[i]
	}
	return 0
}

func numbers(from, to int64) []int64 {
	s := []int64{}
	for n := from; n <= to; n++ {
		s = append(s, n)
	}
	return s
}
