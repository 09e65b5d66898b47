package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// newPDS makes the PDS. FEED_SECRET is what its keys are sealed with: 32 bytes or more, the same at each start.
func newPDS(ctx context.Context, store *sqlite.Store, dir, plcURL string) (*pds.Server, error) {
	blobs, err := disk.Create(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, err
	}
	keyring, err := keys.New(keys.Config{Store: store, Secret: []byte(os.Getenv("FEED_SECRET"))})
	if err != nil {
		return nil, err
	}
	tokens, err := keyring.Secret(ctx, "session-tokens", 32)
	if err != nil {
		return nil, err
	}
	if _, err := keyring.Generate(ctx, "rotation", keys.K256); err != nil && !errors.Is(err, storage.ErrExists) {
		return nil, err
	}
	rotation, err := keyring.Signer(ctx, "rotation")
	if err != nil {
		return nil, err
	}
	return pds.New(pds.Config{
		Store:         store,
		Blobs:         blobs,
		PublicURL:     "https://feed.example.com",
		TokenSecret:   tokens,
		Keys:          keyring,
		RotationKey:   rotation,
		PLCURL:        plcURL,
		AdminPassword: os.Getenv("FEED_ADMIN_PASSWORD"), // the operator's, who takes down accounts; if empty, there is none
	})
}
