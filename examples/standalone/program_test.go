package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// TestShutdownCutsWhatIsLate ends the program while a client reads a repo, and never comes to its end.
func TestShutdownCutsWhatIsLate(t *testing.T) {
	s, _, err := parse([]string{"-port", "0", "-data", t.TempDir()}, environment{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p, err := open(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	p.drain = time.Millisecond
	begun := make(chan struct{})
	p.pds.Handle(xrpc.Query("com.example.readSlowly", auth.Public,
		func(ctx context.Context, _ *xrpc.Call[struct{}]) (*struct{}, error) {
			return nil, p.pds.Repo("did:web:alice.example").Snapshot(ctx, func(pds.Repo) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			})
		}))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx) }()
	url := "http://" + p.listener.Addr().String() + "/xrpc/com.example.readSlowly"
	go func() {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
		}
	}()
	<-begun
	end()
	if err := <-ended; err == nil {
		t.Error("that a request was cut is no error")
	}
	closed := make(chan error, 1)
	go func() { closed <- p.close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the database can't be closed")
	}
}
