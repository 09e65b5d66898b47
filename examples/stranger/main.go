// Command stranger is what somebody writes who has read the README and nothing else: a service that mounts a PDS, on a store
// of its own making, with a method of its own. Its test builds it outside of this repository.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func main() {
	ctx := context.Background()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "Welcome") })
	tokens, seal := []byte("32 bytes or more from a safe place"), []byte("and 32 more bytes, which are others")
	srv, err := mount(ctx, mux, audited{memory.New(), slog.Default()}, tokens, seal)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle(countRecords(srv))
	go srv.Run(ctx) // upkeep, until ctx ends
	log.Fatal(http.ListenAndServe("localhost:8080", mux))
}

// README: mount
func mount(ctx context.Context, mux *http.ServeMux, store storage.Store, tokens, seal []byte) (*pds.Server, error) {
	keyring, err := keys.New(keys.Config{Store: store, Secret: seal}) // or your KMS
	if err != nil {
		return nil, err
	}
	_, err = keyring.Generate(ctx, "rotation", keys.K256)
	if err != nil && !errors.Is(err, storage.ErrExists) { // it does from the second start on
		return nil, err
	}
	rotation, err := keyring.Signer(ctx, "rotation")
	if err != nil {
		return nil, err
	}
	srv, err := pds.New(pds.Config{
		Store:       store,             // storage/sqlite, or your own
		Blobs:       memory.NewBlobs(), // storage/disk, or your own
		PublicURL:   "https://service.example.com",
		TokenSecret: tokens,
		Keys:        keyring,
		RotationKey: rotation,
	})
	if err != nil {
		return nil, err
	}
	srv.Mount(mux) // exactly the paths that a PDS needs
	return srv, nil
}

// README: end
