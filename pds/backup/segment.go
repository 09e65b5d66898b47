package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
)

// putSegment stores what write writes as a new segment. Error: an *inputError, if write has failed; else the bucket's.
func putSegment(ctx context.Context, b Bucket, did syntax.DID, rev syntax.TID, write func(io.Writer) error) (segment, error) {
	s := segment{Name: repoFolder(did) + string(rev) + "-" + strings.ToLower(rand.Text()[:8]) + ".car", Rev: rev}
	r, w := io.Pipe()
	sum := sha256.New()
	done := make(chan error)
	go func() {
		n := &counter{}
		err := write(io.MultiWriter(w, sum, n))
		w.CloseWithError(err)
		s.Bytes = n.n
		done <- err
	}()
	putErr := b.Put(ctx, s.Name, r)
	r.CloseWithError(errAbandoned) // if the bucket has given up, write has to as well
	err := <-done
	switch {
	case err != nil && !errors.Is(err, errAbandoned):
		return s, &inputError{err}
	case putErr != nil:
		return s, putErr
	}
	s.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return s, err
}

var errAbandoned = errors.New("backup: the bucket has stopped reading")

// inputError says that what was to be stored couldn't be had, or isn't right.
type inputError struct{ error }

func (e *inputError) Unwrap() error { return e.error }

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// openSegments returns the CAR file that segments, in the order of a manifest, are together: that of the newest state, with
// the newest blocks first, so that a reader of the tree doesn't wait for older ones.
func openSegments(ctx context.Context, b Bucket, segments []segment) io.ReadCloser {
	return &segmentReader{ctx: ctx, bucket: b, left: segments}
}

// segmentReader reads the last segment whole, and then the others, the newest first, without their headers. It holds each
// against its checksum. Error: [Damage].
type segmentReader struct {
	ctx    context.Context
	bucket Bucket
	left   []segment
	begun  bool

	now  segment
	file io.ReadCloser // nil between two segments
	in   *bufio.Reader
	sum  hash.Hash
	err  error
}

func (s *segmentReader) Read(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.file == nil {
		if err := s.next(); err != nil {
			s.err = err
			return 0, err
		}
	}
	n, err = s.in.Read(p)
	if err == io.EOF {
		err = s.finish()
	}
	if err != nil {
		s.err = s.damage(err)
	}
	return n, s.err
}

// next opens the next segment. Error: [io.EOF] after the last.
func (s *segmentReader) next() error {
	if len(s.left) == 0 {
		return io.EOF
	}
	s.now, s.left = s.left[len(s.left)-1], s.left[:len(s.left)-1]
	file, err := s.bucket.Open(s.ctx, s.now.Name)
	if err != nil {
		return s.damage(err)
	}
	s.file, s.sum = file, sha256.New()
	s.in = bufio.NewReaderSize(io.TeeReader(file, s.sum), 64<<10)
	if s.begun {
		if err := data.SkipCARHeader(s.in); err != nil {
			return s.damage(err)
		}
	}
	s.begun = true
	return nil
}

// finish closes a segment that has been read to its end.
func (s *segmentReader) finish() error {
	if got := hex.EncodeToString(s.sum.Sum(nil)); got != s.now.SHA256 {
		return fmt.Errorf("%w: wrong checksum", ErrDamaged)
	}
	err := s.file.Close()
	s.file = nil
	return err
}

func (s *segmentReader) damage(err error) error {
	if err == nil || s.ctx.Err() != nil {
		return err
	}
	return &Damage{Name: s.now.Name, Err: err}
}

// Close closes the segment that is being read.
func (s *segmentReader) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// join writes CAR files, given from the oldest to the newest, as one.
func join(w io.Writer, cars [][]byte) error {
	for i := len(cars) - 1; i >= 0; i-- {
		r := bufio.NewReader(bytes.NewReader(cars[i]))
		if i < len(cars)-1 {
			if err := data.SkipCARHeader(r); err != nil {
				return err
			}
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	return nil
}
