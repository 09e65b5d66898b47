package pds_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
)

// Bodies of 50 MB go through in bounded memory, either way, and as they come.
func TestProxyStreams(t *testing.T) {
	const size = 50 << 20
	chunk := []byte(strings.Repeat("0123456789abcdef", 1<<12))
	next := make(chan struct{})
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/xrpc/com.example.down":
			for range size / len(chunk) {
				w.Write(chunk)
			}
		case "/xrpc/com.example.up":
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n, err)
		case "/xrpc/com.example.slow":
			for range 3 {
				io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				<-next
			}
		}
	})
	w := start(t, view.serves())
	alice := w.signUp(t, "alice")
	allocated := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	down := allocated(func() {
		n, err := io.Copy(io.Discard, alice.with(t, "GET", "com.example.down", nil).Body)
		if n != size || err != nil {
			t.Errorf("down: %d bytes, %v", n, err)
		}
	})
	up := allocated(func() {
		body := io.LimitReader(repeat(chunk), size)
		if res := read(t, alice.with(t, "POST", "com.example.up", body, "Content-Type", "a/b")); string(res.body) != "52428800 <nil>" {
			t.Errorf("up: %s", res)
		}
	})
	if limit := uint64(4 << 20); down > limit || up > limit {
		t.Errorf("allocated %d bytes on the way down and %d up", down, up)
	}
	res := alice.with(t, "GET", "com.example.slow", nil)
	for range 3 {
		b := make([]byte, 8)
		if n, err := res.Body.Read(b); n != 1 || err != nil {
			t.Fatalf("a piece of %d bytes, %v", n, err)
		}
		next <- struct{}{}
	}
}

func TestProxyMaxRequest(t *testing.T) {
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		ok(w, r)
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.MaxRequest = 10 })
	alice := w.signUp(t, "alice")
	for _, body := range []string{"0123456789", "0123456789a"} {
		for _, r := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
			res := read(t, alice.with(t, "POST", "com.example.up", r))
			if len(body) <= 10 {
				res.decode(t, nil)
			} else {
				res.refused(t, 413, "PayloadTooLarge", "")
			}
		}
	}
}

// repeat yields a chunk again and again.
type repeat []byte

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }
