package main

import (
	"context"
	"errors"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

var errLost = errors.New("the connection is lost")

// failing is a store whose DeleteAccount fails: before it has done anything, or afterwards.
type failing struct {
	storage.Store
	afterwards bool
}

func (f failing) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	if f.afterwards {
		if _, err := f.Store.DeleteAccount(ctx, did, events...); err != nil {
			return 0, err
		}
	}
	return 0, errLost
}

// TestDeleteAccountFails: an account that stays keeps its documents, and one that is gone leaves none.
func TestDeleteAccountFails(t *testing.T) {
	const did = "did:web:alice.example.com"
	for name, afterwards := range map[string]bool{"before": false, "afterwards": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), failing{memory.New(), afterwards})
			if _, err := s.CreateAccount(t.Context(), storage.NewAccount{
				Account: storage.Account{DID: did}, Commit: storage.Commit{Head: storage.Head{DID: did}},
			}); err != nil {
				t.Fatal(err)
			}
			session := storage.Document{Kind: "session", ID: "1", Owner: did}
			if err := s.PutDocument(t.Context(), storage.NewDocument{Document: session}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.DeleteAccount(t.Context(), did); !errors.Is(err, errLost) {
				t.Errorf("DeleteAccount: %v, want %v", err, errLost)
			}
			_, account := s.Account(t.Context(), did)
			_, document := s.Document(t.Context(), "session", "1")
			if gone := errors.Is(account, storage.ErrNotFound); gone != afterwards || gone != errors.Is(document, storage.ErrNotFound) {
				t.Errorf("afterwards: account %v, its document %v", account, document)
			}
		})
	}
}
