package pds_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing/fstest"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// A method of the host's own, for whoever is logged in.
func ExampleServer_Handle() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	type params struct {
		Greeting string `json:"greeting,omitempty" default:"Hello"`
	}
	type greeting struct {
		Text string `json:"text"`
	}
	srv.Handle(xrpc.Query("com.example.greet", auth.Session.In(auth.Active),
		func(ctx context.Context, c *xrpc.Call[params]) (*greeting, error) {
			return &greeting{fmt.Sprintf("%s, owner: %t", c.Input.Greeting, c.Caller.DID == did)}, nil
		}))

	tokens, err := srv.SignIn(ctx, did)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(get(srv, "/xrpc/com.example.greet", tokens.Access))
	fmt.Println(get(srv, "/xrpc/com.example.greet", ""))
	// Output:
	// {"text":"Hello, owner: true"}
	// {"error":"AuthMissing","message":"Authentication Required"}
}

// A built-in method gives way to one of the host's.
func ExampleServer_Handle_override() {
	srv, _ := exampleServer(context.Background())
	type description struct {
		DID     syntax.DID `json:"did"`
		Domains []string   `json:"availableUserDomains"`
	}
	srv.Handle(xrpc.Override(xrpc.Query("com.atproto.server.describeServer", auth.Public,
		func(context.Context, *xrpc.Call[struct{}]) (*description, error) {
			return &description{DID: "did:web:pds.example.com", Domains: []string{}}, nil
		})))
	fmt.Println(get(srv, "/xrpc/com.atproto.server.describeServer", ""))
	// Output: {"did":"did:web:pds.example.com","availableUserDomains":[]}
}

// With a lexicon, which is usually embedded, what clients send is checked before the host's function sees it, and so are
// records.
func ExampleConfig_lexicons() {
	ctx := context.Background()
	srv, did := exampleServer(ctx, func(c *pds.Config) {
		c.Lexicons = fstest.MapFS{
			"note.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.note", "defs": {"main": {
				"type": "record", "key": "tid", "record": {"type": "object", "required": ["title"],
				"properties": {"title": {"type": "string", "maxLength": 20}}}}}}`)},
			"find.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.find", "defs": {"main": {
				"type": "query", "parameters": {"type": "params", "required": ["title"],
				"properties": {"title": {"type": "string", "maxLength": 20}}}}}}`)},
		}
	})
	type params struct {
		Title string `json:"title"`
	}
	srv.Handle(xrpc.Query("com.example.find", auth.Public,
		func(context.Context, *xrpc.Call[params]) (*struct{}, error) { return nil, nil }))

	fmt.Println(get(srv, "/xrpc/com.example.find?title=a+title+that+is+too+long", ""))
	_, _, err := srv.Repo(did).Put(ctx, "com.example.note", "", map[string]any{"titel": "a typo"})
	fmt.Println(err)
	// Output:
	// {"error":"InvalidRequest","message":"Error: params.title: string length outside specified range: 24"}
	// InvalidRequest: Invalid com.example.note record: record.title: is required
}

// Every method has a policy, the host's as well as the library's.
func ExampleServer_Methods() {
	srv, _ := exampleServer(context.Background())
	for _, m := range srv.Methods() {
		if strings.HasPrefix(m.ID.String(), "com.atproto.admin.") {
			fmt.Println(m.Verb, m.ID, m.Policy)
		}
	}
	// Output:
	// POST com.atproto.admin.deleteAccount Admin
	// GET com.atproto.admin.getSubjectStatus Admin.Or(Moderator)
	// POST com.atproto.admin.updateSubjectStatus Admin.Or(Moderator)
}

// Upkeep goes on for as long as the host serves.
func ExampleServer_Run() {
	ctx, stop := context.WithCancel(context.Background())
	srv, _ := exampleServer(ctx)
	done := make(chan error)
	go func() { done <- srv.Run(ctx) }()

	stop() // when the host goes down
	fmt.Println(<-done)
	// Output: <nil>
}
