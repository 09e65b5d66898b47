package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// A write that was decided by another state of the account is refused, by each method that takes a
// guard; so is one without an account.
func TestGuard(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	first := firstCommit(d, 1)
	account := storage.Account{DID: d, Epoch: 3, SessionEpoch: 2}
	if _, err := s.CreateAccount(t.Context(), storage.NewAccount{Account: account, Commit: first}); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Account(t.Context(), d); err != nil || a.Epoch != 3 || a.SessionEpoch != 2 {
		t.Errorf("%+v, %v", a, err)
	}
	commit := storage.Commit{Prev: first.Head.Commit, Head: head(d, 2)}
	blob := storage.Blob{DID: d, CID: makeBlock(1, 10).CID}
	document := storage.Document{Kind: "kind", ID: "id", Owner: d, Value: []byte("v")}
	writes := map[string]func(*storage.Guard) error{
		"Commit": func(g *storage.Guard) error {
			commit.Guard = g
			_, err := s.Commit(t.Context(), commit)
			return err
		},
		"Replace": func(g *storage.Guard) error {
			commit.Guard = g
			_, err := s.Replace(t.Context(), commit, repoRows(10))
			return err
		},
		"PutBlob": func(g *storage.Guard) error { return s.PutBlob(t.Context(), blob, g) },
		"PutDocument": func(g *storage.Guard) error {
			return s.PutDocument(t.Context(), storage.NewDocument{Document: document, Guard: g})
		},
		"SwapDocument": func(g *storage.Guard) error {
			return s.SwapDocument(t.Context(), document, storage.NewDocument{Document: document, Guard: g})
		},
	}
	active := []storage.AccountStatus{storage.StatusActive}
	for name, write := range writes {
		for _, g := range []storage.Guard{{Epoch: 2}, {Epoch: 4, Statuses: active}, {Epoch: 3, Statuses: []storage.AccountStatus{}}} {
			if err := write(&g); !errors.Is(err, storage.ErrGuard) {
				t.Errorf("%s with %+v: %v, want ErrGuard", name, g, err)
			}
		}
	}
	if err := writes["Commit"](&storage.Guard{Epoch: 3, Statuses: active}); err != nil {
		t.Error(err)
	}
	if err := writes["PutDocument"](&storage.Guard{Epoch: 3}); err != nil {
		t.Error(err)
	}
	_, err := s.UpdateAccount(t.Context(), d, func(a *storage.Account) error {
		a.Epoch, a.SessionEpoch, a.DeactivatedAt = 4, 3, time.UnixMilli(1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Account(t.Context(), d); err != nil || a.Epoch != 4 || a.SessionEpoch != 3 {
		t.Errorf("%+v, %v", a, err)
	}
	for name, write := range writes {
		if err := write(&storage.Guard{Epoch: 4, Statuses: active}); !errors.Is(err, storage.ErrGuard) {
			t.Errorf("%s of a deactivated account: %v, want ErrGuard", name, err)
		}
	}
	if err := writes["SwapDocument"](&storage.Guard{Epoch: 4}); err != nil {
		t.Error(err)
	}
	if _, err := s.Commit(t.Context(), storage.Commit{Head: head(did(2), 1), Guard: &storage.Guard{}}); !errors.Is(err, storage.ErrGuard) {
		t.Errorf("without an account: %v, want ErrGuard", err)
	}
}

// The account may change while a Replace is under way.
func TestGuardOfReplace(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	first := firstCommit(d, 1)
	if _, err := s.CreateAccount(t.Context(), storage.NewAccount{Account: storage.Account{DID: d}, Commit: first}); err != nil {
		t.Fatal(err)
	}
	c := storage.Commit{Prev: first.Head.Commit, Head: head(d, 2), Guard: &storage.Guard{}}
	_, err := s.Replace(t.Context(), c, func(yield func(storage.Row, error) bool) {
		repoRows(10)(yield)
		_, err := s.UpdateAccount(context.Background(), d, func(a *storage.Account) error { a.Epoch++; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, storage.ErrGuard) {
		t.Errorf("got %v, want ErrGuard", err)
	}
	if h, err := s.Head(t.Context(), d); err != nil || h.Commit != first.Head.Commit {
		t.Errorf("the head is %v, %v", h.Commit, err)
	}
}

// The blobs of a deleted account aren't found, used or uploaded again, not even by an account of
// the same DID, until they're gone.
func TestBlobsOfDeletedAccount(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	create := storage.NewAccount{Account: storage.Account{DID: d}, Commit: firstCommit(d, 1)}
	blob := storage.Blob{DID: d, CID: makeBlock(1, 10).CID, CreatedAt: time.UnixMilli(1)}
	id := storage.BlobID{DID: d, CID: blob.CID}
	if err := s.PutBlob(t.Context(), blob, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("PutBlob without an account: %v, want ErrNotFound", err)
	}
	if _, err := s.CreateAccount(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if err := s.PutBlob(t.Context(), blob, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTakedown(t.Context(), storage.Takedown{DID: d, Blob: blob.CID, Ref: "case 1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteAccount(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blob(t.Context(), d, blob.CID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Blob: %v, want ErrNotFound", err)
	}
	if _, err := s.CreateAccount(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if err := s.PutBlob(t.Context(), blob, nil); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("PutBlob: %v, want ErrConflict", err)
	}
	c := storage.Commit{Prev: create.Commit.Head.Commit, Head: head(d, 2), Writes: []storage.RecordWrite{
		{Path: path(7), CID: makeBlock(7, 10).CID, Bytes: makeBlock(7, 10).Bytes, Blobs: []cid.Cid{blob.CID}},
	}}
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Commit: %v, want ErrNotFound", err)
	}
	if ids, err := s.ClaimBlobs(t.Context(), time.Time{}, 10); err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("claimed: %v, %v", ids, err)
	}
	if err := s.RemoveBlob(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := s.PutBlob(t.Context(), blob, nil); err != nil {
		t.Errorf("once it's gone: %v", err)
	}
}
