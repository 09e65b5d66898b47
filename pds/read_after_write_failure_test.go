package pds_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
)

// A patch never makes an answer worse: what can't be patched comes as it is.
func TestReadAfterWriteLies(t *testing.T) {
	v, alice, known, _, rev := lagging(t)
	const method = "app.bsky.feed.getTimeline"
	at := timeOf(rev)
	good := object{"feed": []any{postView(alice, known, at.Add(-time.Second))}}
	goodJSON, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte("0123456789abcdef"), 30<<20/16)
	right := v.rev
	for name, test := range map[string]struct {
		rev  string
		body []byte
	}{
		"no rev":            {"", goodJSON},
		"a bad rev":         {"zzz", goodJSON},
		"a rev long ago":    {"2222222222222", goodJSON},
		"30 MB of junk":     {right, junk},
		"no JSON":           {right, []byte("<html>")},
		"nothing":           {right, []byte("")},
		"null":              {right, []byte("null")},
		"a list":            {right, []byte("[]")},
		"half of it":        {right, goodJSON[:len(goodJSON)-5]},
		"more than one":     {right, append(goodJSON, goodJSON...)},
		"no feed":           {right, []byte(`{"other":1}`)},
		"another feed":      {right, []byte(`{"feed":{"post":1}}`)},
		"JSON 20 MB long":   {right, append(append([]byte(`{"feed":[],"x":"`), bytes.Repeat([]byte("x"), 20<<20)...), `"}`...)},
		"thousands of [[[[": {right, bytes.Repeat([]byte("["), 100_000)},
	} {
		v.rev, v.answers[method] = test.rev, test.body
		res := alice.get(t, method)
		if res.status != 200 || strings.TrimSpace(string(res.body)) != string(test.body) {
			t.Errorf("%s: got %d with %d bytes: %.100s", name, res.status, len(res.body), res.body)
		}
	}
	v.rev = right
	for name, items := range map[string][]any{
		"strange items": {nil, 1, "x", []any{}, object{"post": 1}, object{"post": object{"indexedAt": 7, "author": "x", "uri": nil}}},
	} {
		v.answers[method] = object{"feed": items}
		if res := alice.get(t, method); res.status != 200 {
			t.Errorf("%s: %s", name, res)
		}
	}
}

// A client that takes nothing of an answer doesn't have it kept in memory.
func TestReadAfterWriteStalls(t *testing.T) {
	v, alice, _, _, _ := lagging(t, func(c *pds.Config) { c.Proxy.IdleTimeout = 100 * time.Millisecond })
	for _, more := range []string{"", strings.Repeat("x", 1<<20)} {
		v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}, "more": more}
		alice.stalls(t, "app.bsky.feed.getTimeline")
	}
}

// A gzip bomb isn't unpacked.
func TestReadAfterWriteBomb(t *testing.T) {
	_, alice, _, _, _ := lagging(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write([]byte(`{"feed":[],"x":"`))
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 200 {
		z.Write(chunk)
	}
	z.Write([]byte(`"}`))
	z.Close()
	rev, err := alice.world.config.Store.Head(t.Context(), alice.did)
	if err != nil {
		t.Fatal(err)
	}
	evil := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Atproto-Repo-Rev", syntax.NewTID(rev.Rev.Time().UnixMicro()-1, 0).String())
		w.Write(bomb.Bytes())
	})
	res := alice.with(t, "GET", "app.bsky.feed.getTimeline", nil, "Atproto-Proxy", evil.id(), "Accept-Encoding", "gzip")
	got := read(t, res)
	if got.status != 200 || got.header.Get("Content-Encoding") != "gzip" || !bytes.Equal(got.body, bomb.Bytes()) {
		t.Errorf("got %d, %v, %d bytes", got.status, got.header, len(got.body))
	}
}

// What is held of answers that are being patched is bounded, that of all requests together: where nothing is left, an answer
// comes as it is.
func TestReadAfterWriteBudget(t *testing.T) {
	v, alice, _, fresh, _ := lagging(t)
	const method = "app.bsky.feed.getTimeline"
	v.answers[method] = object{"feed": []any{}}
	var halves sync.WaitGroup
	finish := make(chan struct{})
	large := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Atproto-Repo-Rev", v.rev)
		io.WriteString(w, strings.Repeat("x", 9<<20))
		http.NewResponseController(w).Flush()
		halves.Done()
		<-finish
	})
	var answers sync.WaitGroup
	for range 8 { // of 64 MiB in all
		halves.Add(1)
		answers.Go(func() {
			res := read(t, alice.with(t, "GET", method, nil, "Atproto-Proxy", large.id()))
			if res.status != 200 || len(res.body) != 9<<20 {
				t.Errorf("got %d with %d bytes", res.status, len(res.body))
			}
		})
	}
	halves.Wait()
	patched := func() bool {
		got, _ := alice.feed(t, method)
		return len(got) == 1 && got[0] == fresh
	}
	for patched() { // until the server has read the halves
	}
	close(finish)
	answers.Wait()
	for !patched() { // until it has let go of them
	}
}

// An account that has just moved in is one of which the AppView knows another server's repo.
func TestReadAfterWriteNewRepo(t *testing.T) {
	v := newView(t)
	w := start(t, v.serves())
	alice := w.signUp(t, "alice")
	v.rev = syntax.NewTID(time.Now().Add(-time.Hour).UnixMicro(), 0).String()
	alice.newPost(t, "imported", nil)
	v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}}
	if got, _ := alice.feed(t, "app.bsky.feed.getTimeline"); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}
