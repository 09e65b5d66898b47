// Command backend is a PDS that keeps its documents (sessions, invites, preferences and the like) in
// a database of its own, and the rest in the store that comes with the library. Its test proves the
// two together to be a storage.Store like any other. A whole store on another database is in the
// folder bolt.
//
//	go run ./examples/backend
package main

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/pdskit/pdskit/examples/internal/dev"
	"github.com/pdskit/pdskit/pds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := dev.Config(ctx, "http://localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	documents, err := openDocuments(ctx, "documents.sqlite")
	if err != nil {
		log.Fatal(err)
	}
	defer documents.close()
	c.Store = &store{Store: c.Store, documents: documents}
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	if err := dev.Serve(ctx, "localhost:8080", srv, srv); err != nil {
		log.Fatal(err)
	}
}
