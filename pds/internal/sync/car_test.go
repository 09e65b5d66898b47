package sync

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// oneConn is a listener of a single connection.
type oneConn struct{ conn chan net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	if conn, ok := <-l.conn; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error { return nil }

func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{} }

// export serves total bytes, of which the client takes a few every second, and returns how many the server was rid of, and
// with what error it ended.
func export(t *testing.T, total, perSecond int) (sent int, err error) {
	theirs, ours := net.Pipe()
	listener := &oneConn{make(chan net.Conn, 1)}
	listener.conn <- ours
	done := make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		c := &carWriter{w: w, rc: http.NewResponseController(w)}
		chunk := make([]byte, carBuffer)
		for sent < total && err == nil {
			_, err = c.Write(chunk)
			sent += len(chunk)
		}
	})}
	var ended sync.WaitGroup
	ended.Go(func() { server.Serve(listener) })
	ended.Go(func() {
		defer theirs.Close()
		io.WriteString(theirs, "GET / HTTP/1.1\r\nHost: pds.test\r\n\r\n")
		for {
			if _, err := io.CopyN(io.Discard, theirs, int64(perSecond)); err != nil {
				return
			}
			time.Sleep(time.Second) // of the bubble's clock
		}
	})
	<-done
	theirs.Close()
	close(listener.conn)
	server.Close()
	ended.Wait()
	return sent, err
}

// A client that takes just enough never to stall is cut off all the same, and one that is merely slow isn't.
func TestSlowExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if _, err := export(t, 100<<20, 4<<10); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a client of 4 KiB/s: %v", err)
		}
		if d := time.Since(begin); d < slowGrace || d > 2*slowGrace {
			t.Errorf("a client of 4 KiB/s was cut off after %v", d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if sent, err := export(t, 20<<20, 20<<10); err != nil {
			t.Errorf("a client of 20 KiB/s was cut off after %d bytes: %v", sent, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if _, err := export(t, 100<<20, 1); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) > 2*stallLimit {
			t.Errorf("a client that takes nothing: %v after %v", err, time.Since(begin))
		}
	})
}

func TestPatience(t *testing.T) {
	c := &carWriter{taken: 10 * slowRate, waited: slowGrace + 9*time.Second} // 10 seconds earned
	if got := c.patience(slowRate).Round(time.Millisecond); got != 2*time.Second {
		t.Errorf("after %d bytes in %v, a write may take %v", c.taken, c.waited, got)
	}
	if got := new(carWriter).patience(carBuffer); got != stallLimit {
		t.Errorf("the first write may take %v", got)
	}
}
