package storage_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// loud is another store, but for what it replaces.
type loud struct{ storage.Store }

func (l loud) Unwrap() storage.Store { return l.Store }

func (l loud) PutDocument(ctx context.Context, d storage.NewDocument) error {
	fmt.Println("a document:", d.Kind, d.ID)
	return l.Store.PutDocument(ctx, d)
}

// A store may replace as much of another as it wants.
func ExampleStore() {
	var store storage.Store = loud{memory.New()}
	key := storage.Document{Kind: "key", ID: "rotation", Value: []byte("sealed")}
	if err := store.PutDocument(context.Background(), storage.NewDocument{Document: key}); err != nil {
		log.Fatal(err)
	}
	// Output: a document: key rotation
}

// What a store can do beyond the contracts is found through those that wrap it.
func ExampleAs() {
	var store storage.Store = loud{loud{memory.New()}}
	inner, ok := storage.As[*memory.Store](store)
	fmt.Println(ok, inner != nil)

	_, ok = storage.As[storage.Maintainer](store)
	fmt.Println("has garbage to remove:", ok)
	// Output:
	// true true
	// has garbage to remove: false
}
