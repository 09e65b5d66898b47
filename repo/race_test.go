package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// checkLog shows that the #commit events of each repo form a chain, each step of which can be inverted, up to the head.
func checkLog(t testing.TB, store accountStore) (commits int) {
	t.Helper()
	type state struct {
		rev  string
		data cid.Cid
	}
	last := make(map[string]state)
	for ev, err := range store.ListEvents(t.Context(), storage.EventRange{}) {
		check(t, err)
		if ev.Kind != storage.EventCommit {
			continue
		}
		commits++
		msg := decodeCommitEvent(t, ev)
		c, err := repo.VerifyCommitMessage(t.Context(), msg)
		if err != nil {
			t.Fatalf("event %d: %v", ev.Seq, err)
		}
		root, err := c.MST.RootCID()
		check(t, err)
		prev, ok := last[msg.Repo]
		if ok != (msg.Since != nil) ||
			ok && (*msg.Since != prev.rev || cid.Cid(*msg.PrevData) != prev.data || msg.Rev <= prev.rev) {
			t.Fatalf("event %d of %s: rev %s since %v doesn't follow %s", ev.Seq, msg.Repo, msg.Rev, msg.Since, prev.rev)
		}
		last[msg.Repo] = state{msg.Rev, *root}
	}
	for did, s := range last {
		head, err := store.Head(t.Context(), syntax.DID(did))
		check(t, err)
		if string(head.Rev) != s.rev || head.Data != s.data {
			t.Errorf("%s: head is %s, the last event has %s", did, head.Rev, s.rev)
		}
	}
	return commits
}

// TestApplyConcurrently writes to one repo and to many from many goroutines, by way of one and of two engines.
func TestApplyConcurrently(t *testing.T) {
	stores := map[string]func(t testing.TB) accountStore{
		"memory": func(testing.TB) accountStore { return memory.New() },
		"sqlite": func(t testing.TB) accountStore { return openSQLite(t) },
	}
	for name, open := range stores {
		for engines := 1; engines <= 2; engines++ {
			t.Run(fmt.Sprintf("%s/engines=%d", name, engines), func(t *testing.T) {
				store := open(t)
				var es []*Engine
				for range engines {
					es = append(es, newEngine(t, store, func(c *Config) { c.CacheBytes = 64 << 10 }))
				}
				var dids []syntax.DID
				for i := range 5 {
					dids = append(dids, syntax.DID(fmt.Sprintf("did:plc:%024d", i)))
					createAccount(t, es[0], store, dids[i])
				}
				const writers, writes = 12, 12
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						for i := range writes {
							did := dids[0] // half of all writes go to one repo
							if w%2 == 1 {
								did = dids[(w+i)%len(dids)]
							}
							op := Op{Action: Create, Path: fmt.Sprintf("com.example.w%d/%d", w, i), Value: record(t, fmt.Sprint(w, i))}
							for {
								_, err := es[(w+i)%engines].Apply(t.Context(), did, Batch{Ops: []Op{op}})
								if errors.Is(err, storage.ErrConflict) && engines > 1 {
									continue
								}
								if err != nil {
									t.Error(err)
								}
								break
							}
						}
					})
				}
				wg.Wait()
				if n := checkLog(t, store); n != len(dids)+writers*writes {
					t.Errorf("%d commits, want %d", n, len(dids)+writers*writes)
				}
				for _, did := range dids {
					check(t, es[0].Verify(t.Context(), did, signer().public(t)))
				}
			})
		}
	}
}

// TestApplySeesOtherEngines shows that what one engine has cached doesn't outlive what another has written.
func TestApplySeesOtherEngines(t *testing.T) {
	e, store := newRepo(t)
	other := newEngine(t, store)
	one, two := record(t, "one"), record(t, "two")
	apply(t, e, Op{Action: Create, Path: path, Value: one})
	apply(t, other, Op{Action: Delete, Path: path})
	apply(t, e, Op{Action: Create, Path: path, Value: one})
	apply(t, other, Op{Action: Update, Path: path, Value: two})
	if res := apply(t, e, Op{Action: Put, Path: path, Value: one}); !res.Changed {
		t.Error("a put of what was there once changed nothing")
	}
	head, err := store.Head(t.Context(), alice)
	check(t, err)
	_, err = other.Apply(t.Context(), alice, Batch{SwapCommit: head.Commit, Ops: []Op{{Action: Delete, Path: path}}})
	check(t, err)
	_, err = e.Apply(t.Context(), alice, Batch{SwapCommit: head.Commit, Ops: []Op{{Action: Create, Path: path, Value: one}}})
	if !errors.Is(err, ErrSwapCommit) {
		t.Errorf("error %v, want ErrSwapCommit", err)
	}
	checkLog(t, store)
}

// lossy loses the outcome of commits: what is applied is reported as failed, or isn't applied.
type lossy struct {
	*memory.Store
	applied, lost bool
}

var errLost = errors.New("connection lost")

func (l *lossy) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	switch {
	case l.lost:
		return 0, errLost
	case l.applied:
		if _, err := l.Store.Commit(ctx, c); err != nil {
			return 0, err
		}
		return 0, errLost
	}
	return l.Store.Commit(ctx, c)
}

// TestApplyAfterFault goes on after commits of which the engine doesn't know whether they were stored.
func TestApplyAfterFault(t *testing.T) {
	store := &lossy{Store: memory.New()}
	e := newEngine(t, store)
	createAccount(t, e, store, alice)
	for i := range 12 {
		store.applied, store.lost = i%3 == 1, i%3 == 2
		op := Op{Action: Create, Path: fmt.Sprintf("com.example.record/%d", i), Value: record(t, "one")}
		_, err := e.Apply(t.Context(), alice, Batch{Ops: []Op{op}})
		if want := store.applied || store.lost; errors.Is(err, errLost) != want {
			t.Fatalf("commit %d: %v", i, err)
		}
		check(t, e.Verify(t.Context(), alice, signer().public(t)))
	}
	if n := checkLog(t, store); n != 1+8 {
		t.Errorf("%d commits, want 9", n)
	}
}

// blockingSigner signs when it is told to.
type blockingSigner struct{ sign chan struct{} }

func (s blockingSigner) Sign(ctx context.Context, did syntax.DID, unsigned []byte) ([]byte, error) {
	select {
	case <-s.sign:
		return signer().Sign(ctx, did, unsigned)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestApplyWaits shows that a writer waits for the one before it until its context ends, and for no other repo's.
func TestApplyWaits(t *testing.T) {
	e, store := newRepo(t)
	createAccount(t, e, store, bob)
	synctest.Test(t, func(t *testing.T) {
		s := blockingSigner{make(chan struct{})}
		e := newEngine(t, store, func(c *Config) { c.Signer = s })
		op := func(rkey string) Batch {
			return Batch{Ops: []Op{{Action: Create, Path: "com.example.record/" + rkey, Value: record(t, "one")}}}
		}
		results := make(chan error, 3)
		start := func(ctx context.Context, did syntax.DID, rkey string) {
			go func() {
				_, err := e.Apply(ctx, did, op(rkey))
				results <- err
			}()
			synctest.Wait()
		}
		start(t.Context(), alice, "1") // has the turn, and waits for its signature
		ctx, cancel := context.WithCancel(t.Context())
		start(ctx, alice, "2")
		start(t.Context(), bob, "1")
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting writer got %v, want context.Canceled", err)
		}
		s.sign <- struct{}{}
		s.sign <- struct{}{} // both repos are being signed at once
		check(t, <-results)
		check(t, <-results)
		if _, err := e.Apply(ctx, alice, op("3")); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %v", err)
		}
	})
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
	if n := checkLog(t, store); n != 4 {
		t.Errorf("%d commits, want 4", n)
	}
}

// failingSigner fails, or returns something that is no signature.
type failingSigner struct {
	sig []byte
	err error
}

func (s failingSigner) Sign(context.Context, syntax.DID, []byte) ([]byte, error) { return s.sig, s.err }

func TestSignerFails(t *testing.T) {
	_, store := newRepo(t)
	failed := errors.New("no such key")
	for _, s := range []failingSigner{{err: failed}, {sig: []byte("short")}} {
		e := newEngine(t, store, func(c *Config) { c.Signer = s })
		for range 2 {
			_, err := e.Apply(t.Context(), alice, Batch{Ops: []Op{{Action: Create, Path: path, Value: record(t, "one")}}})
			if err == nil || s.err != nil && !errors.Is(err, s.err) {
				t.Errorf("error %v, want %v", err, s.err)
			}
		}
		if _, err := e.Genesis(t.Context(), bob); err == nil {
			t.Error("Genesis without a signature")
		}
	}
}

// panickySigner panics once.
type panickySigner struct{ calls *int }

func (s panickySigner) Sign(ctx context.Context, did syntax.DID, unsigned []byte) ([]byte, error) {
	if *s.calls++; *s.calls == 2 {
		panic("out of ideas")
	}
	return signer().Sign(ctx, did, unsigned)
}

// TestSignerPanics shows that a repo can be written after a panic that the host has recovered from.
func TestSignerPanics(t *testing.T) {
	_, store := newRepo(t)
	e := newEngine(t, store, func(c *Config) { c.Signer = panickySigner{new(int)} })
	for i := range 4 {
		func() {
			defer func() {
				if p := recover(); (p != nil) != (i == 1) {
					t.Errorf("commit %d: panic %v", i, p)
				}
			}()
			apply(t, e, Op{Action: Create, Path: fmt.Sprintf("com.example.record/%d", i), Value: record(t, "one")})
		}()
	}
	check(t, e.Verify(t.Context(), alice, signer().public(t)))
	if n := checkLog(t, store); n != 1+3 {
		t.Errorf("%d commits, want 4", n)
	}
}

func TestNewReportsAll(t *testing.T) {
	_, err := New(Config{})
	if err == nil || !strings.Contains(err.Error(), "Store") || !strings.Contains(err.Error(), "Signer") {
		t.Errorf("error %v doesn't name all that is missing", err)
	}
}
