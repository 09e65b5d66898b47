//go:build unix

package pds_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cbg "github.com/whyrusleeping/cbor-gen"
)

// BenchmarkFanOut has readers follow the firehose while records are written at a steady pace. An operation is a commit.
// It reports
//
//	frames/s         frames that all readers got together
//	server-µs/frame  processor time of the server for each of them: what it used beyond what the same writes take
//	                 without readers
//	p50-µs, p99-µs   from the moment that a commit is durable to the moment that a reader has its frame
//
// The readers share the processors with the server.
func BenchmarkFanOut(b *testing.B) {
	for _, readers := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) { benchmarkFanOut(b, readers) })
	}
}

func benchmarkFanOut(b *testing.B, readers int) {
	s := benchServers.get(b)
	pace := time.Second / time.Duration(min(200, max(10, 20_000/readers))) // of commits
	writers := s.writers(b)
	before := s.used(b)
	writers.write(b, b.N, pace)
	alone := s.used(b).Micros - before.Micros

	var all sync.WaitGroup
	arrivals := make([][]arrival, readers)
	for i, r := range s.followers(b, writers, readers) {
		all.Go(func() { arrivals[i] = r.read(b, b.N) })
	}
	before = s.used(b)
	b.ResetTimer()
	writers.write(b, b.N, pace)
	all.Wait()
	b.StopTimer()
	with := s.used(b).Micros - before.Micros

	latencies := s.latencies(b, arrivals)
	frames := len(latencies)
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(with-alone)/float64(frames), "server-µs/frame")
	b.ReportMetric(float64(latencies[frames/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(latencies[frames*99/100].Microseconds()), "p99-µs")
}

// BenchmarkSlowReaders is BenchmarkFanOut with ten readers, beside others that never read. Records are larger, so that
// what the system buffers for these is full soon. peak-MB is the most memory that the server has used meanwhile.
func BenchmarkSlowReaders(b *testing.B) {
	for _, slow := range []int{0, 1000} {
		b.Run(fmt.Sprintf("slow=%d", slow), func(b *testing.B) {
			s := benchServers.get(b)
			writers := s.writers(b)
			for i := range writers.bodies {
				writers.bodies[i] = encode(b, map[string]any{
					"repo": writers.users[i].did, "collection": "com.example.note",
					"record": map[string]any{"$type": "com.example.note", "text": strings.Repeat("to be read slowly ", 1000)},
				})
			}
			for range slow {
				conn := s.follow(b, "").conn.(*net.TCPConn)
				if err := conn.SetReadBuffer(4 << 10); err != nil {
					b.Fatal(err)
				}
			}
			if slow > 0 {
				writers.write(b, 100, 50*time.Millisecond) // until they're stuck
			}
			var all sync.WaitGroup
			arrivals := make([][]arrival, 10)
			for i, r := range s.followers(b, writers, len(arrivals)) {
				all.Go(func() { arrivals[i] = r.read(b, b.N) })
			}
			s.forgetPeak(b)
			b.ResetTimer()
			writers.write(b, b.N, 20*time.Millisecond)
			all.Wait()
			b.StopTimer()
			latencies := s.latencies(b, arrivals)
			b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(s.used(b).Peak)/1e6, "peak-MB")
		})
	}
}

// BenchmarkFirstFrame measures how long the first commit after a silence takes to reach a reader, from the moment that it
// is durable.
func BenchmarkFirstFrame(b *testing.B) {
	s := benchServers.get(b)
	writers := s.writers(b)
	r := s.followers(b, writers, 1)[0]
	var got []arrival
	done := make(chan struct{})
	go func() { got = r.read(b, b.N); close(done) }()
	writers.write(b, b.N, 50*time.Millisecond)
	<-done
	latencies := s.latencies(b, [][]arrival{got})
	b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkReplay has a reader get the log from its beginning. An operation is an event.
func BenchmarkReplay(b *testing.B) {
	s := benchServers.get(b)
	const events = 20_000
	writers := s.writers(b)
	for s.committed(b).Last < events {
		writers.write(b, 1000, 0)
	}
	last := s.committed(b).Last
	before := s.used(b)
	b.ResetTimer()
	for n := int64(0); n < int64(b.N); n += last {
		r := s.follow(b, "?cursor=0")
		r.read(b, int(min(last, int64(b.N)-n)))
		r.conn.Close()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(s.used(b).Micros-before.Micros)/float64(b.N), "server-µs/frame")
}

// paced writes records by several accounts at a pace.
type paced struct {
	lines  []*line
	users  []*user
	bodies [][]byte
}

const pacedWriters = 8

func (s *benchServer) writers(b *testing.B) *paced {
	p := &paced{users: s.users[:pacedWriters]}
	for i, u := range p.users {
		p.lines = append(p.lines, s.dial(b))
		p.bodies = append(p.bodies, encode(b, map[string]any{
			"repo": u.did, "collection": "app.bsky.feed.post", "record": post(i),
		}))
	}
	return p
}

func (p *paced) write(b *testing.B, n int, pace time.Duration) {
	b.Helper()
	work := make(chan struct{})
	var wg sync.WaitGroup
	for i, l := range p.lines {
		wg.Go(func() {
			for range work {
				err := l.post("com.atproto.repo.createRecord", p.users[i].access, "application/json", p.bodies[i])
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	next := time.Now()
	for range n {
		work <- struct{}{}
		next = next.Add(pace)
		time.Sleep(time.Until(next))
	}
	close(work)
	wg.Wait()
}

// follower reads the firehose with as little work as can be: a thousand of them share the processors with the server.
type follower struct {
	conn net.Conn
	r    *bufio.Reader
}

type arrival struct {
	seq int64
	at  time.Time
}

func (s *benchServer) follow(b *testing.B, query string) *follower {
	b.Helper()
	conn, err := net.Dial("tcp", s.Server[len("http://"):])
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /xrpc/com.atproto.sync.subscribeRepos%s HTTP/1.1\r\nHost: pds\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", query)
	r := bufio.NewReaderSize(conn, 16<<10)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(res, err)
	}
	return &follower{conn, r}
}

// followers returns readers that have begun to read.
func (s *benchServer) followers(b *testing.B, writers *paced, n int) []*follower {
	b.Helper()
	writers.write(b, 1, 0) // there may be none yet
	all := make([]*follower, n)
	query := fmt.Sprintf("?cursor=%d", s.committed(b).Last)
	for i := range all {
		all[i] = s.follow(b, query)
	}
	writers.write(b, 1, 0)
	for _, r := range all {
		r.read(b, 1)
	}
	return all
}

// latencies returns how long frames took from when their commits were durable, in order.
func (s *benchServer) latencies(b *testing.B, arrivals [][]arrival) []time.Duration {
	b.Helper()
	times := s.committed(b).Times
	var all []time.Duration
	for _, frames := range arrivals {
		for _, f := range frames {
			at, ok := times[f.seq]
			if !ok {
				b.Fatalf("no commit has the number %d", f.seq)
			}
			all = append(all, f.at.Sub(at))
		}
	}
	slices.Sort(all)
	return all
}

// read reads n frames.
func (f *follower) read(b *testing.B, n int) []arrival {
	got := make([]arrival, 0, n)
	var frame []byte
	for len(got) < n {
		size, err := f.header()
		if err != nil {
			b.Error(err)
			return got
		}
		frame = slices.Grow(frame[:0], size)[:size]
		if _, err := io.ReadFull(f.r, frame); err != nil {
			b.Error(err)
			return got
		}
		got = append(got, arrival{seqOf(frame), time.Now()})
	}
	return got
}

// header reads that of a WebSocket frame from a server, and returns the payload's size.
func (f *follower) header() (int, error) {
	var h [2]byte
	if _, err := io.ReadFull(f.r, h[:]); err != nil {
		return 0, err
	}
	switch h[1] {
	case 126:
		var n uint16
		err := binary.Read(f.r, binary.BigEndian, &n)
		return int(n), err
	case 127:
		var n uint64
		err := binary.Read(f.r, binary.BigEndian, &n)
		return int(n), err
	}
	return int(h[1]), nil
}

// seqOf finds the sequence number in a message.
func seqOf(frame []byte) int64 {
	_, rest, ok := bytes.Cut(frame, []byte("\x63seq"))
	if !ok {
		return 0
	}
	_, n, err := cbg.CborReadHeader(bytes.NewReader(rest))
	if err != nil {
		return 0
	}
	return int64(n)
}
