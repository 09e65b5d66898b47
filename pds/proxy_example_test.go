package pds_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/patch"
)

// Methods that the server doesn't have are another service's, whose answers are brought up to date with what the account
// has just written.
func ExampleProxy() {
	ctx := context.Background()
	var known syntax.TID // how far the service has followed alice's repo
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Atproto-Repo-Rev", known.String())
		fmt.Fprint(w, `{"notes":["old"]}`)
	}))
	defer service.Close()

	srv, did := exampleServer(ctx, func(c *pds.Config) {
		c.Proxy.Services = []pds.Service{
			{ID: "did:web:notes.example.com#notes", URL: service.URL, Methods: []string{"com.example.notes.*"}},
		}
		c.Proxy.Patches = []patch.Patch{{
			Method:      "com.example.notes.list",
			Collections: []syntax.NSID{"com.example.note"},
			Apply: func(_ context.Context, a *patch.Answer) error {
				notes, _ := a.Body["notes"].([]any)
				for _, r := range a.Records {
					notes = append(notes, r.Value["title"])
				}
				a.Body["notes"] = notes
				return nil
			},
		}}
	})
	tokens, err := srv.SignIn(ctx, did)
	if err != nil {
		log.Fatal(err)
	}
	notes := pds.Records[exampleNote]{Repo: srv.Repo(did), Collection: "com.example.note"}
	for _, title := range []string{"old", "new"} {
		if _, _, err := notes.Put(ctx, "", exampleNote{title}); err != nil {
			log.Fatal(err)
		}
		if title == "old" {
			if known, err = notes.Repo.Rev(ctx); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Println(get(srv, "/xrpc/com.example.notes.list", tokens.Access))
	// Output: {"notes":["old","new"]}
}

// An app keeps its users' preferences with the server.
func ExamplePreferenceNamespace() {
	ctx := context.Background()
	srv, did := exampleServer(ctx, func(c *pds.Config) {
		c.Preferences = []pds.PreferenceNamespace{
			{Name: "com.example", Get: "com.example.getPreferences", Put: "com.example.putPreferences"},
		}
	})
	tokens, err := srv.SignIn(ctx, did)
	if err != nil {
		log.Fatal(err)
	}
	ask(srv, "POST", "/xrpc/com.example.putPreferences", tokens.Access,
		`{"preferences":[{"$type":"com.example.defs#theme","dark":true}]}`)
	fmt.Println(get(srv, "/xrpc/com.example.getPreferences", tokens.Access))
	// Output: {"preferences":[{"$type":"com.example.defs#theme","dark":true}]}
}
