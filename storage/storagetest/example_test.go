package storagetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

func ExampleFaulty() {
	ctx := context.Background()
	store := &storagetest.Faulty{
		Store:  memory.New(),
		Decide: func(method string) storagetest.Fault { return storagetest.Applied },
	}
	err := store.PutDocument(ctx, storage.NewDocument{Document: storage.Document{Kind: "key", ID: "name"}})
	fmt.Println("reported as failed:", errors.Is(err, storagetest.ErrFault))
	_, err = store.Document(ctx, "key", "name")
	fmt.Println("applied:", err == nil)
	// Output:
	// reported as failed: true
	// applied: true
}

func ExampleCheck() {
	fmt.Println(storagetest.Check(context.Background(), memory.New()))
	// Output: <nil>
}
