//go:build unix

package pds_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// benchView is the service to which benchmarks have requests passed on, in the process of the benchmarks.
type benchView struct {
	*httptest.Server
	answer atomic.Pointer[benchAnswer]
}

// benchAnswer is what it answers, and how far it knows the account's repo.
type benchAnswer struct {
	rev  string
	body []byte
}

func newBenchView() *benchView {
	v := new(benchView)
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := v.answer.Load()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.Header().Set("Atproto-Repo-Rev", a.rev)
		w.Write(a.body)
	}))
	return v
}

// BenchmarkProxy measures requests that another service answers: with a timeline of 30 posts, 24 KB, that is passed on as it
// is (passed), that might have to be patched but is up to date (current), and that is patched with a post (patched), in
// a repo that has many; and with 50 MB.
func BenchmarkProxy(b *testing.B) {
	s := benchServers.get(b)
	u := s.users[benchUsers-3]
	l := s.dial(b)
	for range 10 {
		if err := l.post("com.atproto.repo.applyWrites", u.access, "application/json", batch(b, u, 200)); err != nil {
			b.Fatal(err)
		}
	}
	var known, newest string
	for _, rev := range []*string{&known, &newest} {
		_, *rev = u.newPost(b, "a post", nil)
	}
	feed := make([]any, 30)
	for i := range feed {
		item := postView(u, "at://did:web:bob.example.com/app.bsky.feed.post/"+strconv.Itoa(i), time.Unix(1e9, 0))
		item["post"].(object)["record"] = post(i)
		item["post"].(object)["filler"] = strings.Repeat("x", 300)
		feed[i] = item
	}
	timeline := encode(b, object{"feed": feed})
	for _, bench := range []struct {
		name, method, rev string
		body              []byte
		lines             int
	}{
		{"passed", "com.example.getTimeline", known, timeline, 8},
		{"current", "app.bsky.feed.getTimeline", newest, timeline, 8},
		{"patched", "app.bsky.feed.getTimeline", known, timeline, 8},
		{"50MB", "com.example.getLarge", known, bytes.Repeat([]byte(" "), 50e6), 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s.view.answer.Store(&benchAnswer{bench.rev, bench.body})
			b.SetBytes(int64(len(bench.body)))
			s.measure(b, bench.lines, 1, func(l *line, _ int) error {
				return l.getAs(io.Discard, u.access, "/xrpc/"+bench.method)
			})
			b.ReportMetric(float64(s.used(b).Peak)/1e6, "peak-MB")
		})
	}
}
