package pds_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pdskit/pdskit/firehose"
)

// A program prints what happens. One that keeps something stores the number of the last event together with it, and goes
// on from there after a restart: see the program examples/feed.
func ExampleServer_Events() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	repo := srv.Repo(did)
	post := map[string]any{"text": "hello", "createdAt": "2026-01-02T12:00:00Z"}
	if _, _, err := repo.Put(ctx, "app.bsky.feed.post", "3mbgyhqcj2k2a", post); err != nil {
		log.Fatal(err)
	}
	if err := repo.Delete(ctx, "app.bsky.feed.post", "3mbgyhqcj2k2a"); err != nil {
		log.Fatal(err)
	}

	var after int64 // as it was stored
	for e, err := range srv.Events(ctx, after) {
		if err != nil {
			log.Fatal(err) // firehose.ErrOutdatedCursor: begin anew, from the repos
		}
		after = e.Seq
		switch {
		case e.Identity != nil:
			fmt.Println(e.Seq, "handle", e.Identity.Handle)
		case e.Account != nil:
			fmt.Println(e.Seq, "active", e.Account.Active)
		case e.Sync != nil:
			fmt.Println(e.Seq, "the repo is to be read anew")
		case e.Commit != nil:
			for _, op := range e.Commit.Ops {
				var post struct{ Text string }
				if op.Action != firehose.Delete {
					if err := op.Decode(&post); err != nil {
						log.Fatal(err)
					}
				}
				fmt.Println(e.Seq, op.Action, op.Collection, op.RecordKey, post.Text)
			}
		}
		if after == 6 {
			break // a program would go on until ctx ends
		}
	}
	// Output:
	// 1 handle alice.pds.example.com
	// 2 active true
	// 4 the repo is to be read anew
	// 5 create app.bsky.feed.post 3mbgyhqcj2k2a hello
	// 6 delete app.bsky.feed.post 3mbgyhqcj2k2a
}

// A store was brought back from a backup, and readers had seen number 1000 by then.
func ExampleServer_RaiseSeq() {
	ctx := context.Background()
	srv, _ := exampleServer(ctx)
	if err := srv.RaiseSeq(ctx, 1000); err != nil {
		log.Fatal(err)
	}
	for e, err := range srv.Events(ctx, 1000) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Seq, "tells what the repo is:", e.Sync != nil)
		break
	}
	// Output: 1001 tells what the repo is: true
}
