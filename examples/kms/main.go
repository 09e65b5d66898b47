// Command kms is a PDS that never sees a private key: a key service makes them and signs. It stands for AWS KMS, Google
// Cloud KMS, Vault or an HSM; here, a small one runs in the same process and is asked over HTTP.
//
//	go run ./examples/kms
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/examples/internal/dev"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	serviceURL, err := dev.Listen(ctx, newService())
	if err != nil {
		log.Fatal(err)
	}
	c, err := dev.Config(ctx, "http://localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := useKMS(ctx, &c, serviceURL); err != nil {
		log.Fatal(err)
	}
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	if err := dev.Serve(ctx, "localhost:8080", srv, srv); err != nil {
		log.Fatal(err)
	}
}

// useKMS has the key service sign for the accounts, and for their identities.
func useKMS(ctx context.Context, c *pds.Config, url string) error {
	kms := &kms{url: url, names: c.Store}
	if _, err := kms.Generate(ctx, "kms-rotation", keys.P256); err != nil && !errors.Is(err, storage.ErrExists) {
		return err
	}
	rotation, err := kms.signer(ctx, "kms-rotation")
	if err != nil {
		return err
	}
	c.Keys, c.RotationKey = kms, rotation
	return nil
}
