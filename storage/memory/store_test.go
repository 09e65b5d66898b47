package memory_test

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return memory.New() }, storagetest.InMemory)
}

func TestBlobs(t *testing.T) {
	storagetest.RunBlobs(t, func(t *testing.T) storage.Blobs { return memory.NewBlobs() }, storagetest.BlobsInMemory)
}

func BenchmarkStore(b *testing.B) {
	storagetest.Benchmark(b, func(b *testing.B) storage.Store { return memory.New() })
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		memory.New()
	}
}

// TestUpdateIdentity breaks the caller's promise not to alter ID and DID.
func TestUpdateIdentity(t *testing.T) {
	ctx, s := t.Context(), memory.New()
	const did syntax.DID = "did:web:example.com"
	a := storage.NewAccount{Account: storage.Account{DID: did}, Commit: storage.Commit{Head: storage.Head{DID: did}}}
	if _, err := s.CreateAccount(ctx, a); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Account(ctx, did)
	for _, change := range []func(*storage.Account){
		func(a *storage.Account) { a.ID++ },
		func(a *storage.Account) { a.DID += ".org" },
	} {
		if _, err := s.UpdateAccount(ctx, did, func(a *storage.Account) error { change(a); return nil }); err == nil {
			t.Error("UpdateAccount takes another identity")
		}
		if after, _ := s.Account(ctx, did); after != before {
			t.Errorf("the account is %+v, and was %+v", after, before)
		}
	}
}
