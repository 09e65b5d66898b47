package repo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const did = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")

// oneKey signs for every account with one key, which a real server doesn't do.
type oneKey struct{ key *atcrypto.PrivateKeyK256 }

func (s oneKey) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	return s.key.HashAndSign(unsigned)
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// newEngine returns an engine over a store in memory with the repo of one new account.
func newEngine(ctx context.Context) *repo.Engine {
	store := memory.New()
	e := must(repo.New(repo.Config{Store: store, Signer: oneKey{must(atcrypto.GeneratePrivateKeyK256())}}))
	must(store.CreateAccount(ctx, storage.NewAccount{
		Account: storage.Account{DID: did, Handle: "alice.test"},
		Commit:  must(e.Genesis(ctx, did)),
	}))
	return e
}

func profile(name string) []byte {
	return must(atdata.MarshalCBOR(map[string]any{"$type": "app.bsky.actor.profile", "displayName": name}))
}

func ExampleEngine_Apply() {
	ctx := context.Background()
	e := newEngine(ctx)
	put := repo.Op{Action: repo.Put, Path: "app.bsky.actor.profile/self", Value: profile("Alice")}

	first := must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))
	fmt.Println(first.Changed, first.Ops[0].Action)

	again := must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))
	fmt.Println(again.Changed, again.Commit == first.Commit)

	_, err := e.Apply(ctx, did, repo.Batch{
		SwapCommit: first.Ops[0].CID, // which isn't the head
		Ops:        []repo.Op{{Action: repo.Delete, Path: put.Path}},
	})
	fmt.Println(errors.Is(err, repo.ErrSwap))
	// Output:
	// true create
	// false true
	// true
}

// A repo moves from one server to another.
func ExampleEngine_Import() {
	ctx := context.Background()
	from, to := newEngine(ctx), newEngine(ctx)
	put := repo.Op{Action: repo.Put, Path: "app.bsky.actor.profile/self", Value: profile("Alice")}
	last := must(from.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))

	var car bytes.Buffer
	if err := from.Export(ctx, did, "", &car); err != nil {
		log.Fatal(err)
	}
	res := must(to.Import(ctx, did, &car, repo.ImportOptions{}))
	fmt.Println(res.Rev > last.Rev)
	fmt.Println(to.Verify(ctx, did, nil))
	// Output:
	// true
	// <nil>
}

func ExampleEngine_RecordProof() {
	ctx := context.Background()
	e := newEngine(ctx)
	var car bytes.Buffer
	if err := e.RecordProof(ctx, did, "app.bsky.actor.profile/self", &car); err != nil {
		log.Fatal(err)
	}
	fmt.Println("proved that there is no profile:", car.Len() > 0)
	// Output: proved that there is no profile: true
}

func ExampleEngine_Blocks() {
	ctx := context.Background()
	e := newEngine(ctx)
	put := repo.Op{Action: repo.Put, Path: "app.bsky.actor.profile/self", Value: profile("Alice")}
	res := must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))

	var car bytes.Buffer
	fmt.Println(e.Blocks(ctx, did, []cid.Cid{res.Commit, res.Ops[0].CID}, &car))
	// Output: <nil>
}
