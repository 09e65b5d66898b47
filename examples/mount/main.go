// Command mount is a service that has been there for a while, and now hosts accounts of the AT Protocol as well: the
// PDS is a handler among its others, on the same mux, behind the same middleware, and under the same host name.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "service-data", "http://localhost:8080", os.Getenv("PLC_URL")); err != nil {
		log.Fatal(err)
	}
}

// run opens what the service needs, and serves until ctx ends.
func run(ctx context.Context, dir, publicURL, plcURL string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		return err
	}
	defer store.Close()
	srv, err := newPDS(ctx, store, dir, publicURL, plcURL)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: "localhost:8080", Handler: logged(routes(srv))}
	go func() {
		srv.Run(ctx) // until ctx ends
		server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newPDS makes the PDS of what the service has: its store, its folder and its secrets.
func newPDS(ctx context.Context, store *sqlite.Store, dir, publicURL, plcURL string) (*pds.Server, error) {
	blobs, err := disk.Create(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, err
	}
	secret := []byte(os.Getenv("SERVICE_SECRET")) // 32 bytes or more, from wherever the service has its secrets
	keyring, err := keys.New(keys.Config{Store: store, Secret: secret})
	if err != nil {
		return nil, err
	}
	tokens, err := keyring.Secret(ctx, "session-tokens", 32)
	if err != nil {
		return nil, err
	}
	rotation, err := rotationKey(ctx, keyring)
	if err != nil {
		return nil, err
	}
	return pds.New(pds.Config{
		Store:       store,
		Blobs:       blobs,
		PublicURL:   publicURL,
		TokenSecret: tokens,
		Keys:        keyring,
		RotationKey: rotation,
		PLCURL:      plcURL,
	})
}
