package memory_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func ExampleNew() {
	ctx := context.Background()
	var store storage.Store = memory.New()

	key := storage.Document{Kind: "key", ID: "rotation", Value: []byte("sealed")}
	if err := store.PutDocument(ctx, storage.NewDocument{Document: key}); err != nil {
		fmt.Println(err)
	}
	d, err := store.Document(ctx, "key", "rotation")
	fmt.Printf("%s %v\n", d.Value, err)
	// Output: sealed <nil>
}

func ExampleNewBlobs() {
	ctx := context.Background()
	var blobs storage.Blobs = memory.NewBlobs()

	c, size, err := blobs.Put(ctx, "did:web:example.com", strings.NewReader("hello"))
	if err != nil {
		fmt.Println(err)
	}
	r, err := blobs.Open(ctx, storage.BlobID{DID: "did:web:example.com", CID: c})
	if err != nil {
		fmt.Println(err)
	}
	defer r.Close()
	var b bytes.Buffer
	b.ReadFrom(r)
	fmt.Println(size, b.String())
	// Output: 5 hello
}
