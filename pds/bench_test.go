//go:build unix

package pds_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// The benchmarks in this file measure a whole server over HTTP, on SQLite and disk with full durability, in a process of
// its own. What they report beside the time that a request takes:
//
//	server-µs/op    processor time of the server for a request; …/record: for each record of it
//	p50-µs, p99-µs  latency, as the client sees it
//	commits/flush   commits that share a flush of the disk
//	peak-MB         the most memory that the server has used meanwhile
//
// BenchmarkLimits says what the machine itself can do.

// measure does b.N requests over a number of connections at once. Each is of an equal number of records.
func (s *benchServer) measure(b *testing.B, lines, records int, request func(l *line, worker int) error) {
	b.Helper()
	ls := make([]*line, lines)
	for i := range ls {
		ls[i] = s.dial(b)
		if err := ls[i].get(io.Discard, "/nothing"); err != nil {
			b.Fatal(err)
		}
	}
	latencies := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	s.forgetPeak(b)
	before := s.used(b)
	b.ResetTimer()
	for worker, l := range ls {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				start := time.Now()
				if err := request(l, worker); err != nil {
					b.Error(err)
					return
				}
				latencies[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	after := s.used(b)

	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(latencies[b.N*99/100].Microseconds()), "p99-µs")
	perRequest := float64(after.Micros-before.Micros) / float64(b.N)
	b.ReportMetric(perRequest, "server-µs/op")
	if records > 1 {
		b.ReportMetric(perRequest/float64(records), "server-µs/record")
		b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric(float64(after.Peak)/1e6, "peak-MB")
	}
	if flushes := after.Transactions - before.Transactions; flushes > 0 {
		b.ReportMetric(float64(after.Writes-before.Writes)/float64(flushes), "commits/flush")
	}
}

func encode(b *testing.B, v any) []byte {
	b.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func post(i int) map[string]any {
	return map[string]any{
		"$type":     "app.bsky.feed.post",
		"text":      fmt.Sprintf("This is post number %d, and like many others it says a little more than it would have to.", i),
		"langs":     []string{"en"},
		"createdAt": "2026-01-01T00:00:00.000Z",
	}
}

func BenchmarkCreateRecord(b *testing.B) {
	for _, repos := range []int{1, 32} {
		b.Run(fmt.Sprintf("repos=%d", repos), func(b *testing.B) {
			s := benchServers.get(b)
			bodies := make([][]byte, repos)
			for i := range bodies {
				bodies[i] = encode(b, map[string]any{
					"repo": s.users[i].did, "collection": "app.bsky.feed.post", "record": post(i),
				})
			}
			s.measure(b, repos, 1, func(l *line, worker int) error {
				return l.post("com.atproto.repo.createRecord", s.users[worker].access, "application/json", bodies[worker])
			})
		})
	}
}

// batch is the body of an applyWrites request that creates records.
func batch(b *testing.B, u *user, records int) []byte {
	writes := make([]any, records)
	for i := range writes {
		writes[i] = map[string]any{
			"$type": "com.atproto.repo.applyWrites#create", "collection": "app.bsky.feed.post", "value": post(i),
		}
	}
	return encode(b, map[string]any{"repo": u.did, "writes": writes})
}

func BenchmarkApplyWrites(b *testing.B) {
	s := benchServers.get(b)
	u := s.users[0]
	body := batch(b, u, 200)
	s.measure(b, 1, 200, func(l *line, _ int) error {
		return l.post("com.atproto.repo.applyWrites", u.access, "application/json", body)
	})
}

// library is the account with a repo of some size.
type library struct {
	*user
	once sync.Once
	keys []string // of its records
}

const libraryRecords = 10_000

var benchLibrary library

// get writes the repo when it is first needed.
func (y *library) get(b *testing.B) (*benchServer, *library) {
	b.Helper()
	s := benchServers.get(b)
	y.once.Do(func() {
		y.user = s.users[benchUsers-1]
		body, l := batch(b, y.user, 200), s.dial(b)
		for range libraryRecords / 200 {
			if err := l.post("com.atproto.repo.applyWrites", y.access, "application/json", body); err != nil {
				b.Fatal(err)
			}
		}
		for cursor := "zzzzzzzzzzzzz"; cursor != ""; {
			var page struct {
				Cursor  string
				Records []struct{ URI string }
			}
			y.user.get(b, "com.atproto.repo.listRecords", "repo", y.did.String(), "collection", "app.bsky.feed.post",
				"limit", "100", "cursor", cursor).decode(b, &page)
			for _, r := range page.Records {
				y.keys = append(y.keys, r.URI[len(r.URI)-13:])
			}
			cursor = page.Cursor
		}
	})
	if len(y.keys) != libraryRecords {
		b.Fatalf("there are %d records", len(y.keys))
	}
	return s, y
}

func BenchmarkGetRecord(b *testing.B) {
	s, y := benchLibrary.get(b)
	path := "/xrpc/com.atproto.repo.getRecord?repo=" + y.did.String() + "&collection=app.bsky.feed.post&rkey="
	s.measure(b, 8, 1, func(l *line, _ int) error {
		return l.get(io.Discard, path+y.keys[rand.IntN(len(y.keys))])
	})
}

func BenchmarkListRecords(b *testing.B) {
	s, y := benchLibrary.get(b)
	path := "/xrpc/com.atproto.repo.listRecords?repo=" + y.did.String() + "&collection=app.bsky.feed.post&limit=100&cursor="
	s.measure(b, 8, 100, func(l *line, _ int) error {
		return l.get(io.Discard, path+y.keys[rand.IntN(len(y.keys)-100)])
	})
}

func BenchmarkGetRepo(b *testing.B) {
	s, y := benchLibrary.get(b)
	s.measure(b, 1, libraryRecords, func(l *line, _ int) error {
		return l.get(io.Discard, "/xrpc/com.atproto.sync.getRepo?did="+y.did.String())
	})
}

// BenchmarkImportRepo replaces a repo by what it has been.
func BenchmarkImportRepo(b *testing.B) {
	s, y := benchLibrary.get(b)
	var car bytes.Buffer
	if err := s.dial(b).get(&car, "/xrpc/com.atproto.sync.getRepo?did="+y.did.String()); err != nil {
		b.Fatal(err)
	}
	s.measure(b, 1, libraryRecords, func(l *line, _ int) error {
		return l.post("com.atproto.repo.importRepo", y.access, "application/vnd.ipld.car", car.Bytes())
	})
}

func BenchmarkLimits(b *testing.B) {
	b.Run("request", func(b *testing.B) {
		benchServers.get(b).measure(b, 8, 1, func(l *line, _ int) error { return l.get(io.Discard, "/nothing") })
	})
	b.Run("signature", func(b *testing.B) {
		key, err := atcrypto.GeneratePrivateKeyK256()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := key.HashAndSign([]byte("commit")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("flush", func(b *testing.B) {
		f, err := os.Create(filepath.Join(benchServers.get(b).dir, "flush"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		page := make([]byte, 4096)
		for b.Loop() {
			if _, err := f.Write(page); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
