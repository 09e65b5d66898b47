package disk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/disk"
)

// Create is for the first start.
func ExampleCreate() {
	dir, err := os.MkdirTemp("", "pds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	blobs, err := disk.Create(filepath.Join(dir, "blobs"))
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	c, size, err := blobs.Put(ctx, "did:web:alice.example.com", strings.NewReader("hello"))
	if err != nil {
		log.Fatal(err)
	}
	file, err := blobs.Open(ctx, storage.BlobID{DID: "did:web:alice.example.com", CID: c})
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	fmt.Println(size, string(content), err)
	// Output: 5 hello <nil>
}

// Open makes nothing, so that a disk that isn't mounted is noticed.
func ExampleOpen() {
	_, err := disk.Open("/mnt/a disk that isn't mounted/blobs")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}

// OpenReadOnly is for a backup of a server that runs.
func ExampleOpenReadOnly() {
	dir, err := os.MkdirTemp("", "pds")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	blobs, err := disk.OpenReadOnly(dir)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = blobs.Put(context.Background(), "did:web:alice.example.com", strings.NewReader("hello"))
	fmt.Println(err)
	// Output: disk: the folder is open for reading only
}
