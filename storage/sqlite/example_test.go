package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "pds")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "pds.sqlite")

	_, err = sqlite.Open(ctx, path, sqlite.Options{})
	fmt.Println("no database yet:", errors.Is(err, fs.ErrNotExist))

	store, err := sqlite.Open(ctx, path, sqlite.Options{Create: true})
	if err != nil {
		panic(err)
	}
	defer store.Close()

	before := store.Counters()
	key := storage.Document{Kind: storage.KindKey, ID: "rotation", Value: []byte("sealed")}
	if err := store.PutDocument(ctx, storage.NewDocument{Document: key}); err != nil {
		panic(err)
	}
	after := store.Counters()
	fmt.Println("flushes of the disk:", after.Transactions-before.Transactions)
	// Output:
	// no database yet: true
	// flushes of the disk: 1
}

// A tool reads while the server has the database open.
func ExampleOpenReadOnly() {
	dir, err := os.MkdirTemp("", "pds")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "pds.sqlite")
	server, err := sqlite.Open(ctx, path, sqlite.Options{Create: true})
	if err != nil {
		panic(err)
	}
	defer server.Close()

	tool, err := sqlite.OpenReadOnly(ctx, path, sqlite.Options{})
	if err != nil {
		panic(err)
	}
	defer tool.Close()
	key := storage.NewDocument{Document: storage.Document{Kind: storage.KindKey, ID: "rotation", Value: []byte("sealed")}}
	if err := server.PutDocument(ctx, key); err != nil {
		panic(err)
	}
	found, err := tool.Document(ctx, storage.KindKey, "rotation")
	fmt.Println(string(found.Value), err)
	fmt.Println(errors.Is(tool.PutDocument(ctx, key), sqlite.ErrReadOnly))
	// Output:
	// sealed <nil>
	// true
}
