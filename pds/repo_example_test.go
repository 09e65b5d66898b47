package pds_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

func ExampleServer_Repo() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	r := srv.Repo(did)
	for _, title := range []string{"first", "second"} {
		if _, _, err := r.Put(ctx, "com.example.note", "", map[string]any{"title": title}); err != nil {
			log.Fatal(err)
		}
	}
	if _, _, err := r.Put(ctx, "app.bsky.actor.profile", "self", map[string]any{"displayName": "Alice"}); err != nil {
		log.Fatal(err)
	}

	profile, err := r.Get(ctx, "app.bsky.actor.profile", "self")
	fmt.Println(profile.Value["displayName"], err)
	for note, err := range r.List(ctx, "com.example.note") {
		fmt.Println(note.Value["title"], err)
	}
	fmt.Println(r.Delete(ctx, "app.bsky.actor.profile", "self"))
	_, err = r.Get(ctx, "app.bsky.actor.profile", "self")
	fmt.Println(errors.Is(err, storage.ErrNotFound))

	// Records keep to their lexicons, here too.
	_, _, err = r.Put(ctx, "app.bsky.actor.profile", "self", map[string]any{"displayName": 1})
	fmt.Println(err)
	// Output:
	// Alice <nil>
	// first <nil>
	// second <nil>
	// <nil>
	// true
	// InvalidRequest: Invalid app.bsky.actor.profile record: record.displayName: expected a string: int64
}

// A note is changed by what it says now, unless somebody else has changed it meanwhile, and what was changed is noted in the
// same commit.
func ExampleRepo_Apply() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	r := srv.Repo(did)
	if _, _, err := r.Put(ctx, "com.example.note", "a", exampleNote{"first"}); err != nil {
		log.Fatal(err)
	}

	note, err := r.Get(ctx, "com.example.note", "a")
	if err != nil {
		log.Fatal(err)
	}
	title := fmt.Sprint(note.Value["title"], ", changed")
	edit := pds.Write{
		Action: repo.Update, Collection: "com.example.note", RecordKey: "a", Value: exampleNote{title}, Swap: &note.CID,
	}
	history := pds.Write{Action: repo.Create, Collection: "com.example.edit", Value: map[string]any{"note": note.URI}}
	written, err := r.Apply(ctx, edit, history)
	fmt.Println(len(written), err)

	_, err = r.Apply(ctx, edit, history)
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// InvalidSwap: Record was not at the given swapRecord
}

// Several reads that have to agree with each other.
func ExampleRepo_Snapshot() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	r := srv.Repo(did)
	put := func(title string) {
		if _, _, err := r.Put(ctx, "com.example.note", "a", map[string]any{"title": title}); err != nil {
			log.Fatal(err)
		}
	}
	put("before")
	err := r.Snapshot(ctx, func(then pds.Repo) error {
		put("after")
		note, err := then.Get(ctx, "com.example.note", "a")
		fmt.Println("then:", note.Value["title"])
		return err
	})
	now, _ := r.Get(ctx, "com.example.note", "a")
	fmt.Println("now:", now.Value["title"], err)
	// Output:
	// then: before
	// now: after <nil>
}

// Whether a repo is what its owner has signed, down to the last record.
func ExampleRepo_Verify() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	r := srv.Repo(did)
	if _, _, err := r.Put(ctx, "com.example.note", "", exampleNote{"first"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Verify(ctx))
	// Output: <nil>
}

// A blob is kept when a record refers to it.
func ExampleRepo_PutBlob() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	r := srv.Repo(did)
	blob, err := r.PutBlob(ctx, "text/plain", strings.NewReader("hello"))
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err := r.Put(ctx, "com.example.note", "", map[string]any{"attachment": blob}); err != nil {
		log.Fatal(err)
	}

	content, err := r.OpenBlob(ctx, blob.Ref.CID())
	if err != nil {
		log.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	fmt.Println(blob.MimeType, blob.Size, string(text), err)
	// Output: text/plain 5 hello <nil>
}

type exampleNote struct {
	Title string `json:"title"`
}

// Records of a Go type, which command lexgen can write from a lexicon.
func ExampleRecords() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	notes := pds.Records[exampleNote]{Repo: srv.Repo(did), Collection: "com.example.note"}
	for _, title := range []string{"first", "second"} {
		if _, _, err := notes.Put(ctx, "", exampleNote{title}); err != nil {
			log.Fatal(err)
		}
	}
	for note, err := range notes.List(ctx) {
		fmt.Println(note.Value.Title, err)
	}
	// Output:
	// first <nil>
	// second <nil>
}
