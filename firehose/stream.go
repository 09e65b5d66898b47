package firehose

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/pdskit/pdskit/storage"
)

var (
	// ErrFutureCursor: a cursor is above the newest event's number.
	ErrFutureCursor = errors.New("firehose: cursor in the future")

	// ErrTooSlow: a reader has fallen behind the events that are kept for live readers.
	ErrTooSlow = errors.New("firehose: consumer too slow")
)

// StreamConfig configures a [Stream].
type StreamConfig struct {
	// Required.

	Events storage.Events

	// Buffer is how many of the newest events are kept for live readers, all of whom share them: a reader that is
	// further behind is too slow. If zero, 1000.
	Buffer int

	// BufferBytes bounds the bytes of these events. If zero, 64 MiB.
	BufferBytes int
}

// Stream sends the log to any number of readers. Each event is read and encoded once for all live readers. While there
// are none, it does nothing.
type Stream struct {
	log      Log
	maxCount int
	maxBytes int

	mu      sync.Mutex
	readers int                // live ones
	stop    context.CancelFunc // ends the pump
	pumps   int                // how many there have been
	err     error              // what the pump ended with
	ring    []*Frame           // the newest frames, in order
	first   int64              // the position of ring[0]; positions number the frames since the pump began
	bytes   int                // of the frames in ring
	start   int64              // the sequence number after which the ring begins, when it was empty
	bell    bell
}

// NewStream returns a stream.
func NewStream(c StreamConfig) *Stream {
	if c.Buffer == 0 {
		c.Buffer = 1000
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = 64 << 20
	}
	return &Stream{log: Log{c.Events}, maxCount: c.Buffer, maxBytes: c.BufferBytes, bell: newBell()}
}

// Cursor says where a reader begins.
type Cursor struct {
	After int64 // the sequence number of the last event that the reader has
	Live  bool  // begin with the next event, whatever After says
}

// Outdated reports whether events after a cursor have been removed from the log.
func (s *Stream) Outdated(ctx context.Context, c Cursor) (bool, error) {
	if c.Live {
		return false, nil
	}
	return s.log.outdated(ctx, c.After)
}

// Read yields the events after a cursor in batches, first from the log and then, without gap or repetition, each new one
// as it comes. Its last pair has an error: [ErrFutureCursor], [ErrTooSlow], the context's or storage's.
//
// The batch is the reader's until the next iteration.
func (s *Stream) Read(ctx context.Context, c Cursor) iter.Seq2[[]*Frame, error] {
	return func(yield func([]*Frame, error) bool) {
		if err := s.read(ctx, c, func(frames []*Frame) bool { return yield(frames, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// read returns nil when send returns false.
func (s *Stream) read(ctx context.Context, c Cursor, send func([]*Frame) bool) error {
	last, err := s.log.LastSeq(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.Live:
		c.After = last
	case c.After > last:
		return ErrFutureCursor
	}
	for {
		frames, full, err := s.replay(ctx, c.After)
		if err != nil {
			return err
		}
		if len(frames) > 0 {
			if c.After = frames[len(frames)-1].Seq; !send(frames) {
				return nil
			}
		}
		if !full {
			break // near enough: what has come meanwhile is in the ring, or else the reader comes back here
		}
	}
	if err := s.join(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.live(ctx, c.After, send)
}

// replay reads a batch from the log, and says whether it is full, so that there may be more.
func (s *Stream) replay(ctx context.Context, after int64) (frames []*Frame, full bool, err error) {
	frames = make([]*Frame, 0, batch)
	full, err = s.log.read(ctx, after, func(e storage.Event) error {
		f, err := NewFrame(e)
		frames = append(frames, f)
		return err
	})
	return frames, full, err
}

// live sends from the ring. A reader that comes from the log and isn't as far as the ring's beginning yet reads on from the
// log first.
func (s *Stream) live(ctx context.Context, after int64, send func([]*Frame) bool) error {
	pos, caughtUp := int64(0), false
	frames := make([]*Frame, 0, batch)
	for {
		rung := s.bell.listen()
		var err error
		if !caughtUp {
			pos, caughtUp, err = s.position(after)
		}
		if err == nil && caughtUp {
			frames, pos, err = s.take(frames[:0], pos, after)
		} else if err == nil {
			frames, after, err = s.approach(ctx, after)
		}
		if err != nil {
			return err
		}
		if len(frames) > 0 {
			if after = frames[len(frames)-1].Seq; !send(frames) {
				return nil
			}
			continue
		}
		if !caughtUp {
			continue
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// approach reads a batch from the log. If there is none, it returns how far the log was seen to be empty, since numbers
// may be missing from it.
func (s *Stream) approach(ctx context.Context, after int64) ([]*Frame, int64, error) {
	last, err := s.log.LastSeq(ctx)
	if err != nil {
		return nil, after, err
	}
	frames, _, err := s.replay(ctx, after)
	if len(frames) == 0 {
		after = max(after, last)
	}
	return frames, after, err
}

// position finds the ring's position of the first event after a sequence number, unless that is before the ring.
func (s *Stream) position(after int64) (pos int64, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, false, s.err
	}
	if after < s.start {
		return 0, false, nil
	}
	pos = s.first
	for _, f := range s.ring {
		if f.Seq > after {
			break
		}
		pos++
	}
	return pos, true, nil
}

// take appends up to a batch of the frames from a position on, and returns the next position. It leaves out those that the
// reader has from the log already: the log may be ahead of the ring.
func (s *Stream) take(to []*Frame, pos, after int64) ([]*Frame, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, 0, s.err
	}
	if pos < s.first {
		return nil, 0, ErrTooSlow
	}
	from := s.ring[pos-s.first:]
	for len(from) > 0 && from[0].Seq <= after {
		from = from[1:]
		pos++
	}
	for size := 0; len(from) > 0 && len(to) < batch && size < batchBytes; pos++ {
		to, size, from = append(to, from[0]), size+len(from[0].binary), from[1:]
	}
	return to, pos, nil
}

// join counts a live reader, and starts the pump for the first.
func (s *Stream) join(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers == 0 || s.err != nil {
		last, err := s.log.LastSeq(ctx)
		if err != nil {
			return err
		}
		pumpCtx, stop := context.WithCancel(context.Background())
		s.stop, s.err = stop, nil
		// One position is left out: a reader that hasn't noticed yet how the pump before has ended must not go on in this
		// ring, which may begin later.
		s.ring, s.bytes, s.first, s.start = nil, 0, s.first+int64(len(s.ring))+1, last
		s.pumps++
		go s.pump(pumpCtx, s.pumps, last)
	}
	s.readers++
	return nil
}

// leave ends the pump with the last reader.
func (s *Stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers--; s.readers == 0 {
		s.stop()
	}
}

// pump moves new events into the ring. If events are removed from the log before it has read them,
// its readers end with [ErrTooSlow]: they come back with their own cursors, and are told what they
// missed.
func (s *Stream) pump(ctx context.Context, number int, after int64) {
	for e, err := range s.log.Tail(ctx, after) {
		var f *Frame
		switch {
		case err == nil:
			f, err = NewFrame(e)
		case errors.Is(err, ErrOutdatedCursor):
			err = ErrTooSlow
		}
		if !s.push(number, f, err) {
			return
		}
	}
}

// push adds what a pump has got, and reports whether that pump goes on.
func (s *Stream) push(number int, f *Frame, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number != s.pumps || s.readers == 0 { // its readers have left
		return false
	}
	defer s.bell.ring()
	if err != nil {
		s.err = err
		return false
	}
	s.ring = append(s.ring, f)
	s.bytes += len(f.binary)
	for len(s.ring) > s.maxCount || s.bytes > s.maxBytes && len(s.ring) > 1 {
		s.start, s.bytes = s.ring[0].Seq, s.bytes-len(s.ring[0].binary)
		s.ring[0] = nil
		s.ring = s.ring[1:]
		s.first++
	}
	return true
}
