package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
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

// TestShutdownTwice: who tells the program to end a second time doesn't wait for requests under way.
func TestShutdownTwice(t *testing.T) {
	p := launch(t, t.TempDir())
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /xrpc/com.atproto.server.createSession HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it is under way
		t.Fatal(err)
	}
	for again := time.Tick(10 * time.Millisecond); ; {
		select {
		case <-again: // once more: it may not have dealt with the one before
			p.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
			continue
		case <-p.ended:
		}
		p.wantExit(t, -1)
		return
	}
}
