package firehose_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const exampleDID syntax.DID = "did:web:alice.example.com"

// exampleLog returns a log that tells of a new account and of one record. A pds.Server has a log of its own.
func exampleLog(ctx context.Context) firehose.Log {
	store := memory.New()
	engine, err := repo.New(repo.Config{Store: store, Signer: exampleSigner{}})
	if err != nil {
		log.Fatal(err)
	}
	genesis, err := engine.Genesis(ctx, exampleDID)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.CreateAccount(ctx, storage.NewAccount{
		Account: storage.Account{DID: exampleDID, Handle: "alice.example.com"}, Commit: genesis,
	}); err != nil {
		log.Fatal(err)
	}
	note, err := atdata.MarshalCBOR(map[string]any{"$type": "com.example.note", "title": "hello"})
	if err != nil {
		log.Fatal(err)
	}
	put := repo.Op{Action: repo.Put, Path: "com.example.note/a", Value: note}
	if _, err := engine.Apply(ctx, exampleDID, repo.Batch{Ops: []repo.Op{put}}); err != nil {
		log.Fatal(err)
	}
	return firehose.Log{Events: store}
}

// exampleSigner has a new key for each signature, which nobody could verify.
type exampleSigner struct{}

func (exampleSigner) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		return nil, err
	}
	return key.HashAndSign(unsigned)
}

// Follow the log from Go, and decode what was written.
func ExampleLog_Subscribe() {
	ctx := context.Background()
	events := exampleLog(ctx)
	for e, err := range events.Subscribe(ctx, 0) {
		if err != nil {
			log.Fatal(err) // ErrOutdatedCursor: begin anew, from the repos
		}
		switch {
		case e.Sync != nil:
			fmt.Println(e.Seq, "sync")
		case e.Commit != nil:
			fmt.Println(e.Seq, "commit of", len(e.Commit.Ops))
		}
		if e.Seq == 3 {
			break // a program would go on until ctx ends
		}
	}
	// Output:
	// 1 commit of 0
	// 2 sync
	// 3 commit of 1
}

func ExampleOp_Decode() {
	ctx := context.Background()
	for e, err := range exampleLog(ctx).Subscribe(ctx, 2) {
		if err != nil {
			log.Fatal(err)
		}
		var note struct{ Title string }
		op := e.Commit.Ops[0]
		if err := op.Decode(&note); err != nil {
			log.Fatal(err)
		}
		fmt.Println(op.Action, op.Collection, op.RecordKey, note.Title)
		break
	}
	// Output: create com.example.note a hello
}

// Frames as they go over the wire, encoded once for all readers.
func ExampleStream_Read() {
	ctx := context.Background()
	stream := firehose.NewStream(firehose.StreamConfig{Events: exampleLog(ctx)})
	for frames, err := range stream.Read(ctx, firehose.Cursor{After: 1}) {
		if err != nil {
			log.Fatal(err) // ErrTooSlow: the reader is to be told, and comes back with a cursor
		}
		for _, f := range frames {
			fmt.Println(f.Seq, f.Kind, len(f.CBOR()) > len(f.Body()))
		}
		if frames[len(frames)-1].Seq == 3 {
			break
		}
	}

	for _, err := range stream.Read(ctx, firehose.Cursor{After: 100}) {
		fmt.Println(errors.Is(err, firehose.ErrFutureCursor))
	}
	// Output:
	// 2 #sync true
	// 3 #commit true
	// true
}

func ExampleCrawlers() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	relay := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		cancel() // a server asks for as long as it serves
	}))
	defer relay.Close()

	crawlers := firehose.Crawlers{
		Events:   memory.New(),
		Relays:   []string{relay.URL},
		Hostname: "pds.example.com",
		HTTP:     relay.Client(),
	}
	crawlers.Run(ctx)
	// Output: POST /xrpc/com.atproto.sync.requestCrawl
}
