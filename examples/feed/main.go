// Command feed is an app that brings its own PDS: beside the methods of the protocol it serves the posts of all accounts,
// the newest first, from a SQL table that it keeps by following the server's events in process.
//
//	FEED_SECRET=… go run ./examples/feed -plc http://localhost:2582
//	curl 'http://localhost:8080/xrpc/com.example.feed.getPosts?limit=10'
//
// The table is exact, whatever crashes: see follow.go.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/sqlite"
)

func main() {
	dir := flag.String("data", "feed-data", "folder of the program's files")
	addr := flag.String("addr", "localhost:8080", "address to serve at")
	plcURL := flag.String("plc", "https://plc.directory", "URL of the PLC directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *addr, *plcURL); err != nil {
		log.Fatal(err)
	}
}

// run opens what the program needs, and serves until ctx ends or something fails.
func run(ctx context.Context, dir, addr, plcURL string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		return err
	}
	defer store.Close()
	srv, err := newPDS(ctx, store, dir, plcURL)
	if err != nil {
		return err
	}
	table, err := openTable(ctx, filepath.Join(dir, "feed.sqlite"))
	if err != nil {
		return err
	}
	defer table.close()
	srv.Handle(getPosts(table))

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("serving at http://%s", listener.Addr())
	return serve(ctx, listener, srv, &follower{srv: srv, store: store, table: table})
}

// serve runs everything until ctx ends or a part of it fails, and then ends the rest.
func serve(ctx context.Context, listener net.Listener, srv *pds.Server, f *follower) error {
	ctx, end := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { end(srv.Run(ctx)) })
	parts.Go(func() { end(f.follow(ctx)) })
	server := &http.Server{Handler: srv}
	parts.Go(func() { end(server.Serve(listener)) })
	<-ctx.Done()
	err := server.Shutdown(context.WithoutCancel(ctx))
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}
