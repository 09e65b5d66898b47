//go:build unix

package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	pdsqlite "github.com/pdskit/pdskit/storage/sqlite"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random choices of TestKill")

// asProgram is the variable that makes the test binary be the program, with the program's arguments.
const asProgram = "FEED_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKill kills the program again and again while accounts write, and then holds the table against the repos, and its
// count of edits against the log: an event that was applied twice or not at all would show.
func TestKill(t *testing.T) {
	const rounds, accounts = 12, 6
	t.Logf("-seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	dir, plcURL := t.TempDir(), startPLC(t)
	var clients []*client
	behind := 0
	for range rounds {
		url, kill := launch(t, dir, plcURL)
		for len(clients) < accounts {
			c, err := signUp(t.Context(), url, fmt.Sprint("account", len(clients)))
			check(t, err)
			clients = append(clients, c)
		}
		writeUntilKilled(t, clients, url, kill, 20+random.IntN(200), random)
		if isBehind(t, dir) {
			behind++
		}
	}
	t.Logf("the table was behind the log after %d of %d kills", behind, rounds)

	a := open(t, dir, plcURL)
	a.catchUp(t)
	want := wantPosts(t, a, clients)
	if diff := cmp.Diff(want, tablePosts(t, a)); diff != "" {
		t.Errorf("posts by URI (-repos and log +table):\n%s", diff)
	}
	edits := int64(0)
	for _, p := range want {
		edits += p.Edits
	}
	if len(want) < accounts || edits == 0 {
		t.Errorf("too little has happened: %d posts, %d edits", len(want), edits)
	}
	t.Logf("%d posts, %d edits of them", len(want), edits)
}

// launch starts the program at a free port, and returns its URL and what kills it.
func launch(t *testing.T, dir, plcURL string) (url string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-data", dir, "-addr", "localhost:0", "-plc", plcURL)
	cmd.Env = append(os.Environ(), asProgram+"=1", "FEED_SECRET="+secret)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	kill = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait() // it says that the program was killed
	})
	t.Cleanup(kill)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "serving at "); ok {
			return url, kill
		}
		t.Errorf("the program complains: %s", lines.Text())
	}
	t.Fatal("the program has ended")
	return "", nil
}

// writeUntilKilled has all accounts write at once, each twice, and kills the program after a number of writes.
func writeUntilKilled(t *testing.T, clients []*client, url string, kill func(), writes int, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var killed atomic.Bool
	var left atomic.Int64
	left.Store(int64(writes))
	var writers sync.WaitGroup
	for _, c := range clients {
		c.url = url
		for range 2 {
			random := rand.New(rand.NewPCG(random.Uint64(), 0))
			writers.Go(func() {
				for {
					if err := write(ctx, c, random); err != nil {
						if !killed.Load() {
							t.Errorf("write: %v", err)
							kill()
						}
						return
					}
					if left.Add(-1) == 0 {
						killed.Store(true)
						kill()
					}
				}
			})
		}
	}
	writers.Wait()
}

// write puts or deletes one of a few posts, or several at once.
func write(ctx context.Context, c *client, random *rand.Rand) error {
	rkey := func() string { return fmt.Sprintf("3kaaaaaaaaa2%c", 'a'+random.IntN(20)) }
	text := fmt.Sprint("text ", random.Uint64())
	switch random.IntN(10) {
	case 0, 1:
		return c.delete(ctx, rkey())
	case 2:
		var writes []map[string]any
		for range 5 {
			writes = append(writes, map[string]any{
				"$type": "com.atproto.repo.applyWrites#create", "collection": collection, "value": record(text),
			})
		}
		return c.post(ctx, "com.atproto.repo.applyWrites", map[string]any{"repo": c.did, "writes": writes}, nil)
	}
	return c.put(ctx, rkey(), text)
}

// isBehind reports whether the killed program's table lacks events that are in the log.
func isBehind(t *testing.T, dir string) bool {
	t.Helper()
	store, err := pdsqlite.Open(t.Context(), filepath.Join(dir, "pds.sqlite"), pdsqlite.Options{})
	check(t, err)
	defer store.Close()
	table, err := openTable(t.Context(), filepath.Join(dir, "feed.sqlite"))
	check(t, err)
	defer table.close()
	last, err := store.LastSeq(t.Context())
	check(t, err)
	seq, err := table.position(t.Context())
	check(t, err)
	if seq > last {
		t.Fatalf("the table is at %d, and the log at %d", seq, last)
	}
	return seq < last
}

// wantPosts makes the posts of the repos, with their edits as the log tells of them.
func wantPosts(t *testing.T, a *app, clients []*client) map[string]post {
	t.Helper()
	edits := map[string]int64{}
	for row, err := range a.store.ListEvents(t.Context(), storage.EventRange{}) {
		check(t, err)
		e, err := firehose.Decode(row)
		check(t, err)
		if e.Commit == nil {
			continue
		}
		for _, op := range e.Commit.Ops {
			switch uri := fmt.Sprintf("at://%s/%s/%s", e.DID, op.Collection, op.RecordKey); op.Action {
			case firehose.Update:
				edits[uri]++
			default:
				delete(edits, uri)
			}
		}
	}
	posts := map[string]post{}
	for _, c := range clients {
		for r, err := range a.srv.Repo(c.did).List(t.Context(), collection) {
			check(t, err)
			posts[r.URI.String()] = post{URI: r.URI, CID: r.CID.String(), Text: r.Value["text"].(string), Edits: edits[r.URI.String()]}
		}
	}
	return posts
}

// tablePosts makes the posts of the table, as the endpoint lists them.
func tablePosts(t *testing.T, a *app) map[string]post {
	t.Helper()
	posts := map[string]post{}
	for _, p := range a.list(t, 7) {
		if _, twice := posts[p.URI.String()]; twice {
			t.Errorf("%s is listed twice", p.URI)
		}
		posts[p.URI.String()] = p
	}
	a.wantRows(t, len(posts))
	return posts
}
