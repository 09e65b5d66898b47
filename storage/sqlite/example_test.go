package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
	if err := store.PutKey(ctx, "did:web:pds.example", []byte("sealed")); err != nil {
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
	if err := server.PutKey(ctx, "did:web:pds.example", []byte("sealed")); err != nil {
		panic(err)
	}
	sealed, err := tool.Key(ctx, "did:web:pds.example")
	fmt.Println(string(sealed), err)
	fmt.Println(errors.Is(tool.PutKey(ctx, "did:web:pds.example", nil), sqlite.ErrReadOnly))
	// Output:
	// sealed <nil>
	// true
}
