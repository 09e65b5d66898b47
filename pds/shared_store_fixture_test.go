package pds_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/backup"
	"github.com/pdskit/pdskit/storage"
)

// beside starts another server like that of w: it has the same store, blobs and secrets, and
// nothing else in common.
func (w *world) beside(t testing.TB) *world {
	t.Helper()
	other := &world{config: w.config, directory: w.directory}
	ring, err := keys.New(keys.Config{Store: w.config.Store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	noError(t, err)
	other.config.Keys = ring
	other.config.RotationKey, err = ring.Signer(t.Context(), "rotation")
	noError(t, err)
	other.Server, err = pds.New(other.config)
	noError(t, err)
	front := httptest.NewServer(other.Server)
	t.Cleanup(front.Close)
	other.url = front.URL
	return other
}

// ear returns the next event that it hears. It waits for a while.
type ear func(testing.TB) firehose.Event

// earByEvents listens by [pds.Server.Events].
func (w *world) earByEvents(t testing.TB, after int64) ear {
	heard, failed := make(chan firehose.Event, 100), make(chan error, 1)
	go func() {
		defer close(failed)
		for e, err := range w.Events(t.Context(), after) {
			if err != nil {
				failed <- err
				return
			}
			heard <- e
		}
	}()
	t.Cleanup(func() {
		for range failed { // which the end of the context closes, or fills first
		}
	})
	return func(t testing.TB) firehose.Event {
		t.Helper()
		return hear(t, heard, failed)
	}
}

// earBySubscription listens by the WebSocket of subscribeRepos.
func (w *world) earBySubscription(t testing.TB, after int64) ear {
	s := w.subscribe(t, fmt.Sprintf("?cursor=%d", after))
	return func(t testing.TB) firehose.Event {
		t.Helper()
		kind, body := s.next(t)
		message, err := io.ReadAll(body)
		noError(t, err)
		e, err := firehose.Decode(storage.Event{Kind: storage.EventKind(kind), Body: message})
		noError(t, err)
		return e
	}
}

// earByBackup listens to what a backup reads that follows the server. stop ends it, and looks
// whether it is whole.
func (w *world) earByBackup(t testing.TB) (_ ear, stop func(*testing.T)) {
	t.Helper()
	ring := w.config.Keys.(*keys.Keyring)
	source := overheard{
		Local: &backup.Local{Store: w.config.Store, Blobs: w.config.Blobs, Repos: w.Engine()},
		ready: make(chan struct{}), heard: make(chan firehose.Event, 100), failed: make(chan error, 1),
	}
	to, err := backup.CreateDir(t.TempDir())
	noError(t, err)
	mirror, err := backup.New(backup.Config{
		Source: source, To: to, Origin: "pds", SpillDir: t.TempDir(), Logger: w.config.Logger,
		Keys: func(ctx context.Context, did syntax.DID, _ bool) (atcrypto.PublicKey, error) {
			return ring.Public(ctx, did.String())
		},
	})
	noError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := mirror.Follow(ctx); err != nil {
			source.failed <- err
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-source.ready:
	case err := <-source.failed:
		t.Fatal(err)
	}
	listen := func(t testing.TB) firehose.Event {
		t.Helper()
		return hear(t, source.heard, source.failed)
	}
	return listen, func(t *testing.T) {
		t.Helper()
		cancel()
		<-ended
		noError(t, mirror.Sync(t.Context()))
		found, err := backup.Check(t.Context(), backup.CheckConfig{
			From: to, SpillDir: t.TempDir(), Damaged: func(d *backup.Damage) { t.Error(d) },
		})
		last, lastErr := w.config.Store.LastSeq(t.Context())
		if err != nil || lastErr != nil || found.Cursor != last || found.Accounts != 1 || found.Unsigned != 0 {
			t.Errorf("the backup has %+v, %v, and the log ends with %d, %v", found, err, last, lastErr)
		}
	}
}

// overheard is a source that tells which events its mirror gets.
type overheard struct {
	*backup.Local
	ready  chan struct{} // closed when the mirror follows
	heard  chan firehose.Event
	failed chan error
}

func (o overheard) Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error] {
	events := o.Local.Events(ctx, cursor, follow)
	if !follow {
		return events
	}
	close(o.ready)
	return func(yield func(storage.Event, error) bool) {
		for e, err := range events {
			if !yield(e, err) || err != nil {
				return
			}
			decoded, err := firehose.Decode(e)
			if err != nil {
				o.failed <- err
				return
			}
			o.heard <- decoded
		}
	}
}

// hear returns the next event of a channel. It fails the test if there is an error instead, or
// nothing for a minute.
func hear(t testing.TB, heard <-chan firehose.Event, failed <-chan error) firehose.Event {
	t.Helper()
	select {
	case e := <-heard:
		return e
	case err := <-failed:
		t.Fatal(err)
	case <-time.After(time.Minute):
		t.Fatal("nothing is heard")
	}
	panic("unreachable")
}
