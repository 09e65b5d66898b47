//go:build unix

package pds_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// benchFolder is the variable that makes the test binary be the server that the benchmarks measure, with its data in the
// folder that it names. The processor time of a process of its own is the server's alone.
const benchFolder = "PDS_BENCHMARK_SERVER"

// benchService is the variable that names the URL of the service that the server passes requests on to.
const benchService = "PDS_BENCHMARK_SERVICE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(benchFolder); dir != "" {
		if err := serveBenchmarks(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	benchServers.stop()
	os.Exit(code)
}

// addresses is what the server prints when it serves.
type addresses struct{ Server, Control string }

// serveBenchmarks serves on loopback until standard input ends, on SQLite and disk with full durability. Beside the
// server, at another address, it tells what it has used, and serves net/http/pprof.
func serveBenchmarks(dir string) error {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		return err
	}
	defer store.Close()
	blobs, err := disk.Create(filepath.Join(dir, "blobs"))
	if err != nil {
		return err
	}
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		return err
	}
	identities := httptest.NewServer(directory)
	defer identities.Close()
	ring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		return err
	}
	if _, err := ring.Generate(ctx, "rotation", keys.K256); err != nil {
		return err
	}
	rotation, err := ring.Signer(ctx, "rotation")
	if err != nil {
		return err
	}
	front := httptest.NewUnstartedServer(nil)
	timed := &timedStore{Store: store}
	server, err := pds.New(pds.Config{
		Store: timed, Blobs: blobs, Keys: ring, RotationKey: rotation,
		PublicURL:     "http://" + front.Listener.Addr().String(),
		HandleDomains: []string{".test"},
		TokenSecret:   []byte("a secret that only benchmarks know"),
		PLCURL:        identities.URL,
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),

		StreamsPerAddress: -1,
		Proxy: pds.Proxy{Services: []pds.Service{
			{ID: "did:web:view.example.com#view", URL: os.Getenv(benchService), Methods: []string{"*"}},
		}},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	server.Mount(mux)
	mux.HandleFunc("/nothing", func(http.ResponseWriter, *http.Request) {})
	front.Config.Handler = mux
	front.Start()
	defer front.Close()

	http.HandleFunc("GET /used", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(usedBy(store))
	})
	http.HandleFunc("GET /committed", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(timed.take())
	})
	http.HandleFunc("POST /forget-peak", func(http.ResponseWriter, *http.Request) {
		os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where there is no such file, there is no peak either
	})
	control := httptest.NewServer(http.DefaultServeMux)
	defer control.Close()
	if err := json.NewEncoder(os.Stdout).Encode(addresses{front.URL, control.URL}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// timedStore notes when commits are durable.
type timedStore struct {
	storage.Store
	mu  sync.Mutex
	log committed
}

// committed tells of the commits since it was asked for last.
type committed struct {
	Last  int64 // the sequence number of the last event that is a commit
	Times map[int64]time.Time
}

func (s *timedStore) Unwrap() storage.Store { return s.Store }

func (s *timedStore) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if s.log.Times == nil {
			s.log.Times = map[int64]time.Time{}
		}
		s.log.Times[seq] = now
		s.log.Last = max(s.log.Last, seq)
	}
	return seq, err
}

func (s *timedStore) take() committed {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log.Times = nil
	return log
}

// used is what a server has used since it started.
type used struct {
	Micros               int64 // of processor time
	Writes, Transactions int64
	Peak                 int64 // bytes of memory at most, since that was last forgotten; 0 where it can't be told
}

func usedBy(store *sqlite.Store) used {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	c := store.Counters()
	return used{
		Micros: (r.Utime.Nano() + r.Stime.Nano()) / 1000, Writes: c.Writes, Transactions: c.Transactions, Peak: peak(),
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := peakLine.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kB, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kB << 10
}

// benchServer is a server in a process of its own.
type benchServer struct {
	addresses
	dir   string
	cmd   *exec.Cmd
	stdin io.Closer
	users []*user
	view  *benchView
}

// benchServers is the one server of all benchmarks.
var benchServers onlyServer

type onlyServer struct {
	once   sync.Once
	server *benchServer
	err    error
}

func (o *onlyServer) get(b *testing.B) *benchServer {
	b.Helper()
	o.once.Do(func() { o.server, o.err = startBenchServer(b) })
	if o.err != nil {
		b.Fatal(o.err)
	}
	return o.server
}

func (o *onlyServer) stop() {
	if o.server != nil {
		o.server.stdin.Close()
		o.server.view.Close()
		o.server.cmd.Wait()
		os.RemoveAll(o.server.dir)
	}
}

// benchUsers is how many accounts there are.
const benchUsers = 34

func startBenchServer(b *testing.B) (*benchServer, error) {
	dir, err := os.MkdirTemp("", "pds-benchmark") // not b.TempDir: it serves later benchmarks, too
	if err != nil {
		return nil, err
	}
	s := &benchServer{dir: dir, cmd: exec.Command(os.Args[0]), view: newBenchView()}
	s.cmd.Env = append(os.Environ(), benchFolder+"="+dir, benchService+"="+s.view.URL)
	s.cmd.Stderr = os.Stderr
	stdin, err1 := s.cmd.StdinPipe()
	stdout, err2 := s.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, s.cmd.Start()); err != nil {
		return nil, err
	}
	s.stdin = stdin
	if err := json.NewDecoder(stdout).Decode(&s.addresses); err != nil {
		return nil, err
	}
	w := &world{url: s.Server}
	for i := range benchUsers {
		s.users = append(s.users, w.signUp(b, fmt.Sprintf("user%d", i)))
	}
	return s, nil
}

func (s *benchServer) used(b *testing.B) (u used) {
	b.Helper()
	s.ask(b, "/used", &u)
	return u
}

func (s *benchServer) committed(b *testing.B) (c committed) {
	b.Helper()
	s.ask(b, "/committed", &c)
	return c
}

func (s *benchServer) ask(b *testing.B, path string, answer any) {
	b.Helper()
	res, err := http.Get(s.Control + path)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		b.Fatal(err)
	}
}

func (s *benchServer) forgetPeak(b *testing.B) {
	b.Helper()
	res, err := http.Post(s.Control+"/forget-peak", "", nil)
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
}

// line is a connection to a server, for one request after the other. It takes a fraction of the time of an http.Client,
// which server and client would share the processors for.
type line struct {
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

func (s *benchServer) dial(b *testing.B) *line {
	b.Helper()
	conn, err := net.Dial("tcp", s.Server[len("http://"):])
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &line{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
}

// get sends a query, and writes what is answered to w.
func (l *line) get(w io.Writer, path string) error {
	l.out = fmt.Appendf(l.out[:0], "GET %s HTTP/1.1\r\nHost: pds\r\n\r\n", path)
	return l.exchange(w, nil)
}

// getAs does so for an account.
func (l *line) getAs(w io.Writer, token, path string) error {
	l.out = fmt.Appendf(l.out[:0], "GET %s HTTP/1.1\r\nHost: pds\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	return l.exchange(w, nil)
}

// post sends a procedure's body, and forgets what is answered.
func (l *line) post(method, token, contentType string, body []byte) error {
	l.out = fmt.Appendf(l.out[:0],
		"POST /xrpc/%s HTTP/1.1\r\nHost: pds\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		method, token, contentType, len(body))
	return l.exchange(io.Discard, body)
}

func (l *line) exchange(w io.Writer, body []byte) error {
	if len(body) < 64<<10 {
		l.out, body = append(l.out, body...), nil
	}
	if _, err := l.conn.Write(l.out); err != nil {
		return err
	}
	if _, err := l.conn.Write(body); err != nil {
		return err
	}
	res, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s", res.Status, answer)
	}
	_, err = io.Copy(w, res.Body)
	return err
}
