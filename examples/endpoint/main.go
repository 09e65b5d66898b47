// Command endpoint is a PDS with two methods of its own, for bookmarks that people keep in their repos. Each has a lexicon,
// to which requests are held before the functions here see them, and a policy, which the third argument is: it says what
// scope an app needs that somebody has let act for them.
//
//	go run ./examples/endpoint
package main

import (
	"context"
	"embed"
	"log"
	"os"
	"os/signal"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/examples/internal/dev"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

//go:embed lexicons
var lexicons embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := dev.Config(ctx, "http://localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	c.Lexicons = lexicons
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle(methods(srv)...)
	if err := dev.Serve(ctx, "localhost:8080", srv, srv); err != nil {
		log.Fatal(err)
	}
}

const collection syntax.NSID = "com.example.bookmark"

type bookmark struct {
	URL  string   `json:"url"`
	Tags []string `json:"tags,omitempty"`
}

type listParams struct {
	Tag string `json:"tag,omitempty"`
}

type saved struct {
	URI syntax.ATURI `json:"uri"`
}

type list struct {
	Bookmarks []bookmark `json:"bookmarks"`
}

func methods(srv *pds.Server) []xrpc.Method {
	of := func(caller auth.Caller) pds.Records[bookmark] {
		return pds.Records[bookmark]{Repo: srv.Repo(caller.DID), Collection: collection}
	}
	mayCreate := auth.Session.OrApp(auth.RepoPermission(collection, "create")).In(auth.Active)
	return []xrpc.Method{
		xrpc.Procedure("com.example.saveBookmark", mayCreate,
			func(ctx context.Context, c *xrpc.Call[bookmark]) (*saved, error) {
				uri, _, err := of(c.Caller).Put(ctx, "", c.Input)
				return &saved{URI: uri}, err
			}),
		xrpc.Query("com.example.listBookmarks", auth.Session.OrApp().In(auth.NotTakenDown),
			func(ctx context.Context, c *xrpc.Call[listParams]) (*list, error) {
				out := &list{Bookmarks: []bookmark{}}
				for b, err := range of(c.Caller).List(ctx) {
					if err != nil {
						return nil, err
					}
					if c.Input.Tag == "" || slices.Contains(b.Value.Tags, c.Input.Tag) {
						out.Bookmarks = append(out.Bookmarks, b.Value)
					}
				}
				return out, nil
			}),
	}
}
