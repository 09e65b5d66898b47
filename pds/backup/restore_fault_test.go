package backup

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// failing is a store in which one write goes wrong, and, if it is dead, all after it.
type failing struct {
	storage.Store
	left  int  // writes that still go well
	after bool // the one that goes wrong is made, and then reported lost
	dead  bool
}

func (s *failing) write(do func() error) error {
	s.left--
	switch {
	case s.left >= 0 || s.left < -1 && !s.dead:
		return do()
	case s.left == -1 && s.after:
		if err := do(); err != nil {
			return err
		}
	}
	return errFault
}

func (s *failing) CreateAccount(ctx context.Context, a storage.NewAccount) (seq int64, err error) {
	err = s.write(func() (err error) { seq, err = s.Store.CreateAccount(ctx, a); return err })
	return seq, err
}

func (s *failing) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (seq int64, err error) {
	err = s.write(func() (err error) { seq, err = s.Store.DeleteAccount(ctx, did, events...); return err })
	return seq, err
}

func (s *failing) PutDocument(ctx context.Context, d storage.NewDocument) error {
	return s.write(func() error { return s.Store.PutDocument(ctx, d) })
}

func (s *failing) PutBlob(ctx context.Context, b storage.Blob, g *storage.Guard) error {
	return s.write(func() error { return s.Store.PutBlob(ctx, b, g) })
}

func (s *failing) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (seq int64, err error) {
	err = s.write(func() (err error) { seq, err = s.Store.Replace(ctx, c, rows); return err })
	return seq, err
}

func (s *failing) SetTakedown(ctx context.Context, t storage.Takedown) error {
	return s.write(func() error { return s.Store.SetTakedown(ctx, t) })
}

// TestRestoreFaults: whichever write of a restore is lost, or made and then reported lost, a later
// try restores everything, also if the process dies at that write. If it doesn't die, no account
// stays that lacks its documents or its repo.
func TestRestoreFaults(t *testing.T) {
	h := newHistory(t)
	ctx := t.Context()
	put := func(d storage.Document) { check(t, h.store.PutDocument(ctx, storage.NewDocument{Document: d})) }
	put(storage.Document{
		Kind: storage.KindPreferences, ID: h.alice.did.String(), Owner: h.alice.did, Value: []byte(`[{"$type":"a"}]`),
	})
	put(storage.Document{Kind: "app", ID: "hashed", Owner: h.alice.did, Value: []byte("v"), IssuedAt: farFuture})
	check(t, h.store.SetTakedown(ctx, storage.Takedown{DID: h.alice.did, Path: post + "/picture", Ref: "case"}))
	unused := h.alice.attach(t, "unused", "a bad picture")
	check(t, h.store.SetTakedown(ctx, storage.Takedown{DID: h.alice.did, Blob: unused, Ref: "case"}))
	h.alice.delete(t, "unused")
	source := h.local()
	source.DocumentKinds = []string{"app"}
	to := newDir(t)
	check(t, h.mirror(t, source, to).Sync(ctx))

	for _, dead := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			for n := 0; ; n++ {
				store, blobs := memory.New(), memory.NewBlobs()
				c := RestoreConfig{From: to, Blobs: blobs, SpillDir: t.TempDir()}
				c.Store = &failing{store, n, after, dead}
				_, err := Restore(ctx, c)
				if err == nil {
					if n < 8 {
						t.Errorf("a restore has just %d writes", n)
					}
					break
				}
				if !errors.Is(err, errFault) {
					t.Errorf("write %d, made: %t, dead: %t: %v", n, after, dead, err)
				}
				if !dead && !after {
					wantWhole(t, h, store)
				}
				c.Store = store
				if _, err := Restore(ctx, c); err != nil {
					t.Fatalf("after write %d, made: %t, dead: %t: %v", n, after, dead, err)
				}
				h.same(t, restored{store: store, blobs: blobs}, false)
				if _, err := store.Document(ctx, "app", "hashed"); err != nil {
					t.Errorf("the app password: %v", err)
				}
				if t.Failed() {
					t.Fatalf("write %d, made: %t, dead: %t", n, after, dead)
				}
			}
		}
	}
}

// wantWhole fails the test if a store has an account without its preferences, or without its repo.
func wantWhole(t *testing.T, h *history, store storage.Store) {
	t.Helper()
	for a, err := range store.ListAccounts(t.Context(), 0, 10) {
		check(t, err)
		if blocks, err := store.Blocks(t.Context(), a.DID, []cid.Cid{a.Head.Data}); err != nil || len(blocks) != 1 {
			t.Errorf("%s has no repo: %v", a.DID, err)
		}
		if a.DID != h.alice.did {
			continue
		}
		if _, err := store.Document(t.Context(), storage.KindPreferences, a.DID.String()); err != nil {
			t.Errorf("%s has no preferences: %v", a.DID, err)
		}
	}
}
