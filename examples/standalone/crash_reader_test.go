//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/identity"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/storage"
)

// reader follows subscribeRepos. It remembers which frames it has seen, and comes back with its cursor.
type reader struct {
	name     string
	every    int        // in which rounds it is there: 1 for all, 5 for every fifth
	restless *rand.Rand // if it isn't nil, the reader leaves and comes back while the program runs, too

	seen []sighting
	came int // how many connections have brought it a frame
}

// sighting is a frame that a reader has seen.
type sighting struct {
	seq    int64
	digest [sha256.Size]byte // of the whole frame
}

func newReaders(random *rand.Rand) []*reader {
	return []*reader{
		{name: "steady", every: 1},
		{name: "steady too", every: 1},
		{name: "restless", every: 1, restless: rand.New(rand.NewPCG(random.Uint64(), 0))},
		{name: "rare", every: 5},
	}
}

// errBroken: what a reader was sent isn't what any reader may be sent.
var errBroken = errors.New("broken stream")

// follow reads until the sign-up of lastName, for which it returns nil, or until the connection is lost. It calls each, unless
// that is nil, with every frame.
func (r *reader) follow(ctx context.Context, url string, each func(storage.Event) error) error {
	for {
		left := 1 << 30
		if r.restless != nil {
			left = 1 + r.restless.IntN(60)
		}
		if done, err := r.connect(ctx, url, left, each); done || err != nil {
			return err
		}
	}
}

// connect reads up to a number of frames, from one connection, and reports whether it has come to the end.
func (r *reader) connect(ctx context.Context, url string, frames int, each func(storage.Event) error) (done bool, err error) {
	url = fmt.Sprint("ws", strings.TrimPrefix(url, "http"), "/xrpc/com.atproto.sync.subscribeRepos?cursor=", r.cursor())
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return false, err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(5 << 20)
	for i := range frames {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return false, err
		}
		e, err := event(frame)
		if err == nil && e.Seq <= r.cursor() {
			err = fmt.Errorf("%w: %d comes after %d", errBroken, e.Seq, r.cursor())
		}
		if err == nil && each != nil {
			err = each(e)
		}
		if err != nil {
			return false, fmt.Errorf("the %s reader: %w", r.name, err)
		}
		if i == 0 {
			r.came++
		}
		r.seen = append(r.seen, sighting{e.Seq, sha256.Sum256(frame)})
		if e.Kind == storage.EventIdentity && bytes.Contains(e.Body, []byte(lastName+".test")) {
			return true, nil
		}
	}
	return false, nil
}

func (r *reader) cursor() int64 {
	if len(r.seen) == 0 {
		return 0
	}
	return r.seen[len(r.seen)-1].seq
}

// event takes a frame apart. Frames that tell of an error or of a loss aren't events.
func event(frame []byte) (e storage.Event, err error) {
	for _, kind := range []storage.EventKind{
		storage.EventCommit, storage.EventSync, storage.EventIdentity, storage.EventAccount,
	} {
		header := fmt.Sprintf("\xa2\x61t%c%s\x62op\x01", 0x60|len(kind), kind)
		body, ok := bytes.CutPrefix(frame, []byte(header))
		if !ok {
			continue
		}
		e.Kind, e.Body = kind, body
		switch kind {
		case storage.EventCommit:
			var m comatproto.SyncSubscribeRepos_Commit
			err = m.UnmarshalCBOR(bytes.NewReader(body))
			e.Seq = m.Seq
		case storage.EventSync:
			var m comatproto.SyncSubscribeRepos_Sync
			err = m.UnmarshalCBOR(bytes.NewReader(body))
			e.Seq = m.Seq
		case storage.EventIdentity:
			var m comatproto.SyncSubscribeRepos_Identity
			err = m.UnmarshalCBOR(bytes.NewReader(body))
			e.Seq = m.Seq
		case storage.EventAccount:
			var m comatproto.SyncSubscribeRepos_Account
			err = m.UnmarshalCBOR(bytes.NewReader(body))
			e.Seq = m.Seq
		}
		if err != nil {
			err = fmt.Errorf("%w: %s: %w", errBroken, kind, err)
		}
		return e, err
	}
	return e, fmt.Errorf("%w: not an event: %q", errBroken, frame[:min(100, len(frame))])
}

// lastName signs up when everything else is written. All readers stop there.
const lastName = "last"

var directoryLine = regexp.MustCompile(`(?m)^PLC directory: (http\S+)\n`)

// examineReaders lets all readers, and one who hasn't been there before, read up to the end, and compares what they have
// seen with each other, and with what was acknowledged.
func (k *killing) examineReaders(t *testing.T, p *process) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := signUp(ctx, p.url, lastName); err != nil {
		t.Fatal(err)
	}
	plcURL := p.await(t, &p.stdout, directoryLine)[1]
	stream := newStreamCheck(plcURL)
	fresh := &reader{name: "fresh"}
	var wg sync.WaitGroup
	follow := func(r *reader, each func(storage.Event) error) {
		wg.Go(func() {
			if err := r.follow(ctx, p.url, each); err != nil {
				t.Errorf("after %d frames, at %d: %v", len(r.seen), r.cursor(), err)
			}
		})
	}
	follow(fresh, func(e storage.Event) error { return stream.check(ctx, e) })
	for _, r := range k.readers {
		follow(r, nil)
	}
	wg.Wait()
	for _, r := range k.readers {
		if !slices.Equal(r.seen, fresh.seen) {
			t.Errorf("the %s reader has seen other frames than the fresh one: %s", r.name, firstDifference(r.seen, fresh.seen))
		}
		if r.came < 2 {
			t.Errorf("the %s reader has never come back", r.name)
		}
		t.Logf("the %s reader has seen %d frames, on %d connections", r.name, len(r.seen), r.came)
	}
	stream.wantOnce(t, "commit", stream.commits, k.commits())
	stream.wantOnce(t, "sign-up", stream.handles, k.handles())
}

func firstDifference(got, want []sighting) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("frame %d is %d %x, want %d %x", i, got[i].seq, got[i].digest, want[i].seq, want[i].digest)
		}
	}
	return fmt.Sprintf("there are %d, want %d", len(got), len(want))
}

// commits returns the CIDs of all commits that were acknowledged.
func (k *killing) commits() (all []string) {
	for _, w := range k.writers {
		all = append(all, w.commits...)
	}
	return all
}

func (k *killing) handles() (all []string) {
	for _, name := range k.names {
		all = append(all, name+".test")
	}
	return all
}

// streamCheck checks a stream from its beginning as the strictest reader would: each repo's chain, and that each commit
// can be inverted and is signed with the key that the PLC directory names.
type streamCheck struct {
	log              logCheck
	directory        identity.Directory
	commits, handles map[string]int // how often they were seen
}

func newStreamCheck(plcURL string) *streamCheck {
	directory := identity.NewCacheDirectory(&identity.BaseDirectory{PLCURL: plcURL, SkipHandleVerification: true},
		1000, time.Hour, time.Hour, time.Hour)
	return &streamCheck{
		log:       logCheck{heads: map[string]link{}},
		directory: directory,
		commits:   map[string]int{},
		handles:   map[string]int{},
	}
}

func (s *streamCheck) check(ctx context.Context, e storage.Event) (err error) {
	switch e.Kind {
	case storage.EventCommit:
		var m comatproto.SyncSubscribeRepos_Commit
		if err := m.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
			return err
		}
		s.commits[m.Commit.String()]++
		err = errors.Join(indigo.VerifyCommitSignature(ctx, s.directory, &m), s.log.commit(ctx, e))
	case storage.EventSync:
		var m comatproto.SyncSubscribeRepos_Sync
		if err := m.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
			return err
		}
		_, err = indigo.VerifySyncMessage(ctx, s.directory, &m)
		err = errors.Join(err, s.log.sync(ctx, e))
	case storage.EventIdentity:
		var m comatproto.SyncSubscribeRepos_Identity
		if err := m.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
			return err
		}
		if m.Handle != nil {
			s.handles[*m.Handle]++
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: event %d, %s: %w", errBroken, e.Seq, e.Kind, err)
	}
	return err
}

// wantOnce reports what was acknowledged and isn't in the stream, and what is in it more than once.
func (s *streamCheck) wantOnce(t *testing.T, what string, seen map[string]int, acknowledged []string) {
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s %s was seen %d times", what, name, n)
		}
	}
	for _, name := range acknowledged {
		if seen[name] == 0 {
			t.Errorf("%s %s was acknowledged, and never seen", what, name)
		}
	}
	t.Logf("%d of %d %ss in the stream were acknowledged", len(acknowledged), len(seen), what)
}
