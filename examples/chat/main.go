// Command chat is a community's chat. What its members say are records in their own repos, which they take along when they
// leave; who listens gets each at once, by a subscription of the program's own.
//
//	go run ./examples/chat
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
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle(listen(srv, c.Store))
	if err := dev.Serve(ctx, "localhost:8080", srv, srv); err != nil {
		log.Fatal(err)
	}
}
