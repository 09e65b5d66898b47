package backup_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/backup"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

type signer struct{ *atcrypto.PrivateKeyK256 }

func (s signer) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	return s.HashAndSign(unsigned)
}

// server is what a host that uses this library has already.
func server(ctx context.Context) (storage.Store, *repo.Engine, backup.KeyFunc) {
	const did = "did:plc:alicealicealicealicealic"
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		log.Fatal(err)
	}
	store := memory.New()
	engine, err := repo.New(repo.Config{Store: store, Signer: signer{key}})
	if err != nil {
		log.Fatal(err)
	}
	commit, err := engine.Genesis(ctx, did)
	if err != nil {
		log.Fatal(err)
	}
	account := storage.Account{DID: did, Handle: "alice.example.com"}
	if _, err := store.CreateAccount(ctx, storage.NewAccount{Account: account, Commit: commit}); err != nil {
		log.Fatal(err)
	}
	return store, engine, func(context.Context, syntax.DID, bool) (atcrypto.PublicKey, error) { return key.PublicKey() }
}

// Example backs up the server of this process, checks the backup, and restores it into an empty store.
func Example() {
	ctx := context.Background()
	store, engine, keys := server(ctx)
	folder, err := os.MkdirTemp("", "backup")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	to, err := backup.CreateDir(folder)
	if err != nil {
		log.Fatal(err)
	}
	m, err := backup.New(backup.Config{
		Source: &backup.Local{Store: store, Blobs: memory.NewBlobs(), Repos: engine},
		To:     to,
		Origin: "pds.example.com",
		Keys:   keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Sync(ctx); err != nil { // or Follow, to keep it current
		log.Fatal(err)
	}

	sum, err := backup.Check(ctx, backup.CheckConfig{From: to})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum.Accounts, "account,", sum.Damages, "damages")

	fresh := memory.New()
	done, err := backup.Restore(ctx, backup.RestoreConfig{From: to, Store: fresh, Blobs: memory.NewBlobs()})
	if err != nil {
		log.Fatal(err)
	}
	account, err := fresh.AccountByHandle(ctx, "alice.example.com")
	fmt.Println(done.Accounts, "account restored:", account.DID, err)
	// Output:
	// 1 account, 0 damages
	// 1 account restored: did:plc:alicealicealicealicealic <nil>
}
