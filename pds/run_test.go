package pds_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
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
		document := storage.Document{Kind: "k", ID: "id", IssuedAt: now, ExpiresAt: now.Add(time.Second)}
		if err := store.PutDocument(ctx, storage.NewDocument{Document: document}); err != nil {
			t.Fatal(err)
		}
		event := storage.Event{DID: "did:web:a.example", Kind: storage.EventAccount, Time: now.Add(-71*time.Hour - 59*time.Minute)}
		if _, err := store.AppendEvents(ctx, event); err != nil {
			t.Fatal(err)
		}
		remaining := func() (documents, events int) {
			if _, err := store.Document(ctx, "k", "id"); err == nil {
				documents++
			}
			for range store.ListEvents(ctx, storage.EventRange{}) {
				events++
			}
			return documents, events
		}
		if documents, events := remaining(); documents != 1 || events != 1 {
			t.Errorf("before: %d documents, %d events", documents, events)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if documents, events := remaining(); documents != 0 || events != 1 {
			t.Errorf("a minute later: %d documents, %d events", documents, events)
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

// returning is a store in which the owner of an account comes back just after the account was listed for deletion.
type returning struct {
	storage.Store
	comeBack func()
}

func (r *returning) DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error] {
	return func(yield func(syntax.DID, error) bool) {
		for did, err := range r.Store.DueAccounts(ctx, now, limit) {
			if !yield(did, err) {
				return
			}
		}
		r.comeBack()
	}
}

func TestDueAccountComesBack(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	store := &returning{Store: memory.New()}
	w := start(t, withClock(&now), func(c *pds.Config) { c.Store = store })
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	for _, u := range []*user{alice, bob} {
		u.post(t, "com.atproto.server.deactivateAccount", map[string]any{"deleteAfter": "2026-01-01T01:00:00Z"}).decode(t, nil)
	}
	now = now.Add(73 * time.Hour) // it isn't sooner, whatever was asked for
	alice = w.login(t, alice)
	store.comeBack = func() { alice.post(t, "com.atproto.server.activateAccount", map[string]any{}).decode(t, nil) }
	w.Upkeep(t.Context())
	store.comeBack = func() {}
	w.get(t, "", "com.atproto.sync.getLatestCommit", "did", alice.did.String()).decode(t, nil)
	w.get(t, "", "com.atproto.sync.getLatestCommit", "did", bob.did.String()).refused(t, 400, "RepoNotFound", "")
}

// An account that can't be deleted isn't in the way of those after it.
func TestDueAccountsOneByOne(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	deletions := 0
	store := &storagetest.Faulty{Store: memory.New(), Decide: func(method string) storagetest.Fault {
		if method == "DeleteAccount" {
			if deletions++; deletions == 1 {
				return storagetest.Lost
			}
		}
		return storagetest.NoFault
	}}
	w := start(t, withClock(&now), func(c *pds.Config) { c.Store = store })
	for _, name := range []string{"alice", "bobby"} {
		w.signUp(t, name).post(t, "com.atproto.server.deactivateAccount",
			map[string]any{"deleteAfter": "2026-01-02T00:00:00Z"}).decode(t, nil)
	}
	now = now.Add(73 * time.Hour)
	for _, want := range []int{1, 0} {
		w.Upkeep(t.Context())
		left := 0
		for range store.ListAccounts(t.Context(), 0, 10) {
			left++
		}
		if left != want {
			t.Errorf("%d accounts are left, want %d", left, want)
		}
	}
}
