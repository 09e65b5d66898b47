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

	if err := store.PutKey(ctx, "did:web:example.com", []byte("sealed")); err != nil {
		fmt.Println(err)
	}
	sealed, err := store.Key(ctx, "did:web:example.com")
	fmt.Printf("%s %v\n", sealed, err)
	// Output: sealed <nil>
}

func ExampleNewBlobs() {
	ctx := context.Background()
	var blobs storage.Blobs = memory.NewBlobs()

	c, size, err := blobs.PutBlob(ctx, "did:web:example.com", strings.NewReader("hello"))
	if err != nil {
		fmt.Println(err)
	}
	r, err := blobs.OpenBlob(ctx, storage.BlobID{DID: "did:web:example.com", CID: c})
	if err != nil {
		fmt.Println(err)
	}
	defer r.Close()
	var b bytes.Buffer
	b.ReadFrom(r)
	fmt.Println(size, b.String())
	// Output: 5 hello
}
