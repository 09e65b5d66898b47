package pds_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// Subscriptions that have ended, in whatever way, leave no goroutine behind in a server that runs on.
func TestSubscriptionsLeaveNothing(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	http.DefaultClient.CloseIdleConnections()
	before := goleak.IgnoreCurrent()

	w.subscribe(t, "?cursor=0").close()
	s := w.subscribe(t, "?cursor=0")
	s.next(t)
	s.conn.CloseNow() // in the middle of a replay
	for range 3 {
		last, err := w.config.Store.LastSeq(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		current, behind := w.subscribe(t, fmt.Sprint("?cursor=", last)), w.subscribe(t, "?cursor=1")
		live := w.subscribe(t, "?wantedCollections=com.example.none", "xrpc.v1.json")
		alice.create(t, "hello")
		current.next(t)
		behind.next(t)
		behind.close()
		alice.create(t, "hello again")
		current.next(t)
		current.conn.CloseNow() // nothing is under way
		live.conn.CloseNow()
	}
	future := w.subscribe(t, "?cursor=1000000")
	if kind, _ := future.next(t); kind != "error" {
		t.Errorf("got %s", kind)
	}
	if _, _, err := future.conn.Read(future.ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("then %v", err)
	}
	w.get(t, "", "com.atproto.sync.subscribeRepos").refused(t, http.StatusUpgradeRequired, "UpgradeRequired", "WebSocket")

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 { // in process
		wg.Go(func() {
			for _, err := range w.Events(ctx, 0) {
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	for range w.Events(ctx, 0) {
		break
	}
	cancel()
	wg.Wait()
	waitForGoroutines(t, before)
}

// close ends a subscription with a goodbye. Whether the server returns it, the reader doesn't care.
func (s *subscriber) close() { s.conn.Close(websocket.StatusNormalClosure, "") }

// waitForGoroutines waits until there are no other goroutines than before.
func waitForGoroutines(t *testing.T, before goleak.Option) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		http.DefaultClient.CloseIdleConnections()
		err := goleak.Find(before)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
