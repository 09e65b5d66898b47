package pdstest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// A test of five lines: a server, an account, a request, and the event that it leads to.
func ExampleNew() {
	t := newExampleT() // the test's own *testing.T
	defer t.end()

	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	note := map[string]any{"repo": alice.DID, "collection": "com.example.note", "record": map[string]any{"title": "hello"}}
	if err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", note, nil); err != nil {
		t.Fatal(err)
	}
	e := p.Wait(t, 0, func(e firehose.Event) bool { return e.Commit != nil && len(e.Commit.Ops) > 0 })
	fmt.Println(e.DID == alice.DID, e.Commit.Ops[0].Action, e.Commit.Ops[0].Collection)
	// Output: true create com.example.note
}

// Three hours later the access token has expired; the client refreshes its session, as apps do.
func ExampleClock() {
	t := newExampleT()
	defer t.end()

	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	p.Clock.Advance(3 * time.Hour)
	var session struct{ Handle string }
	err := alice.Client.Get(t.Context(), "com.atproto.server.getSession", nil, &session)
	fmt.Println(p.Clock.Now().Format(time.TimeOnly), session.Handle, err)
	// Output: 15:00:00 alice.test <nil>
}

// An app may write what its scope says, and nothing else.
func ExamplePDS_As() {
	t := newExampleT()
	defer t.end()

	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	app := p.As(auth.Caller{DID: alice.DID, Kind: auth.KindOAuth, Scope: "atproto repo:com.example.note"})
	for _, collection := range []string{"com.example.note", "com.example.other"} {
		record := map[string]any{"repo": alice.DID, "collection": collection, "record": map[string]any{"title": "hello"}}
		err := app.Post(t.Context(), "com.atproto.repo.createRecord", record, nil)
		var refusal *atclient.APIError
		fmt.Println(collection, errors.As(err, &refusal) && refusal.Name == "ScopeMissingError")
	}
	// Output:
	// com.example.note false
	// com.example.other true
}

// What an app does when its server fails halfway: the write is done, and reported as failed.
func ExampleFaults() {
	t := newExampleT()
	defer t.end()

	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	p.Faults.Writes(func(string) storagetest.Fault { return storagetest.Applied })
	_, _, err := p.Repo(alice.DID).Put(t.Context(), "com.example.note", "a", map[string]any{"title": "hello"})
	fmt.Println("failed:", err != nil)
	p.Faults.Writes(nil)
	note, err := p.Repo(alice.DID).Get(t.Context(), "com.example.note", "a")
	fmt.Println(note.Value["title"], err)
	// Output:
	// failed: true
	// hello <nil>
}

// An owner has forgotten the password, and sets a new one by the code of a letter.
func ExampleMailBox() {
	t := newExampleT()
	defer t.end()

	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	anybody := p.Client()
	anybody.Post(t.Context(), "com.atproto.server.requestPasswordReset", map[string]any{"email": alice.Email}, nil)
	letter := p.Mail.Wait(t, alice.Email)
	fmt.Println(letter.Kind, letter.Subject)
	err := anybody.Post(t.Context(), "com.atproto.server.resetPassword",
		map[string]any{"token": letter.Token, "password": "a new one"}, nil)
	fmt.Println(err)
	// Output:
	// reset_password Reset your password
	// <nil>
}

// exampleT stands for the *testing.T that an example hasn't got.
type exampleT struct{ ending }

func newExampleT() *exampleT { return &exampleT{} }

func (*exampleT) Helper()                   {}
func (*exampleT) Context() context.Context  { return context.Background() }
func (*exampleT) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (*exampleT) Fatalf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }

var _ testing.TB = (*exampleT)(nil)
