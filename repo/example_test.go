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

// What a service that has followed the repo up to a rev doesn't know yet.
func ExampleEngine_Newer() {
	ctx := context.Background()
	e := newEngine(ctx)
	put := func(name string) repo.Result {
		op := repo.Op{Action: repo.Put, Path: "app.bsky.actor.profile/self", Value: profile(name)}
		return must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{op}}))
	}
	first, second := put("Alice"), put("Alice B.")
	for _, rev := range []syntax.TID{first.Rev, second.Rev} {
		records := must(e.Newer(ctx, did, rev, []syntax.NSID{"app.bsky.actor.profile"}, 10))
		fmt.Println(len(records))
	}
	// Output:
	// 1
	// 0
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

// A repo begins with an empty commit, which is stored together with its account.
func ExampleEngine_Genesis() {
	ctx := context.Background()
	store := memory.New()
	e := must(repo.New(repo.Config{Store: store, Signer: oneKey{must(atcrypto.GeneratePrivateKeyK256())}}))

	commit := must(e.Genesis(ctx, did))
	id := must(store.CreateAccount(ctx, storage.NewAccount{
		Account: storage.Account{DID: did, Handle: "alice.test"}, Commit: commit,
	}))
	fmt.Println("account", id)
	for _, event := range commit.Events {
		fmt.Println(event.Kind)
	}
	// Output:
	// account 1
	// #commit
	// #sync
}

// What somebody who knows the repo up to a rev has missed.
func ExampleEngine_Export() {
	ctx := context.Background()
	e := newEngine(ctx)
	write := func(path, name string) repo.Result {
		put := repo.Op{Action: repo.Put, Path: path, Value: profile(name)}
		return must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))
	}
	known := write("app.bsky.actor.profile/self", "Alice")
	write("app.bsky.actor.profile/other", "Alice at work")

	var whole, since bytes.Buffer
	if err := e.Export(ctx, did, "", &whole); err != nil {
		log.Fatal(err)
	}
	if err := e.Export(ctx, did, known.Rev, &since); err != nil {
		log.Fatal(err)
	}
	for _, car := range [][]byte{whole.Bytes(), since.Bytes()} {
		fmt.Println(bytes.Contains(car, []byte("Alice at work")), len(car) == whole.Len())
	}
	// Output:
	// true true
	// true false
}

// Verify reads the whole repo; with the account's key, it checks the signature, too.
func ExampleEngine_Verify() {
	ctx := context.Background()
	e := newEngine(ctx)
	stranger := must(must(atcrypto.GeneratePrivateKeyK256()).PublicKey())
	fmt.Println(e.Verify(ctx, did, nil))
	fmt.Println(errors.Is(e.Verify(ctx, did, stranger), repo.ErrCorrupt))
	// Output:
	// <nil>
	// true
}

// A backup gives a repo back under the very commit that it had, which Import would replace.
func ExampleOpenCopy() {
	ctx := context.Background()
	e := newEngine(ctx)
	put := repo.Op{Action: repo.Put, Path: "app.bsky.actor.profile/self", Value: profile("Alice")}
	last := must(e.Apply(ctx, did, repo.Batch{Ops: []repo.Op{put}}))
	var car bytes.Buffer
	if err := e.Export(ctx, did, "", &car); err != nil {
		log.Fatal(err)
	}

	saved := must(repo.OpenCopy(ctx, did, &car, ""))
	defer saved.Close()
	fmt.Println(saved.Head.Commit == last.Commit)
	for row, err := range saved.Rows() {
		if err != nil {
			log.Fatal(err)
		}
		if row.Record != nil {
			fmt.Println(row.Record.Path)
		}
	}
	// Output:
	// true
	// app.bsky.actor.profile/self
}
