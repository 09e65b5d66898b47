package pds_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// Run does its upkeep every minute, and ends with its context.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		srv := assemble(t, store)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- srv.Run(ctx) }()
		synctest.Wait()

		now := time.Now()
		token := storage.Token{Kind: "k", ID: "id", IssuedAt: now, ExpiresAt: now.Add(time.Second)}
		if err := store.PutToken(ctx, token); err != nil {
			t.Fatal(err)
		}
		event := storage.Event{DID: "did:web:a.example", Kind: storage.EventAccount, Time: now.Add(-71*time.Hour - 59*time.Minute)}
		if _, err := store.AppendEvents(ctx, event); err != nil {
			t.Fatal(err)
		}
		remaining := func() (tokens, events int) {
			if _, err := store.Token(ctx, "k", "id"); err == nil {
				tokens++
			}
			for range store.ListEvents(ctx, 0, 0) {
				events++
			}
			return tokens, events
		}
		if tokens, events := remaining(); tokens != 1 || events != 1 {
			t.Errorf("before: %d tokens, %d events", tokens, events)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if tokens, events := remaining(); tokens != 0 || events != 1 {
			t.Errorf("a minute later: %d tokens, %d events", tokens, events)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, events := remaining(); events != 0 {
			t.Error("an event of more than 72 hours is still there")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// assemble makes a server without sockets.
func assemble(t testing.TB, store storage.Store) *pds.Server {
	t.Helper()
	w := &world{config: pds.Config{
		Store: store, Blobs: memory.NewBlobs(), PublicURL: "https://pds.example.com",
		TokenSecret: []byte("a secret that only tests know"),
	}}
	w.addKeys(t)
	srv, err := pds.New(w.config)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}
