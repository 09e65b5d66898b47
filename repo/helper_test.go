package repo

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// testSigner signs for every DID with one key.
type testSigner struct{ key *atcrypto.PrivateKeyK256 }

func (s testSigner) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	return s.key.HashAndSign(unsigned)
}

func (s testSigner) public(t testing.TB) atcrypto.PublicKey {
	t.Helper()
	key, err := s.key.PublicKey()
	check(t, err)
	return key
}

// signer is the one of all tests, made once: how a key is made is nothing that they test.
var signer = sync.OnceValue(func() testSigner {
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		panic(err)
	}
	return testSigner{key}
})

const alice, bob = syntax.DID("did:plc:alicealicealicealicealic"), syntax.DID("did:plc:bobbobbobbobbobbobbobbob")

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testClock is a clock that stands still unless it is set.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *testClock { return &testClock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func newEngine(t testing.TB, store storage.Repos, change ...func(*Config)) *Engine {
	t.Helper()
	c := Config{Store: store, Signer: signer(), Now: newClock().Now, SpillDir: t.TempDir()}
	for _, f := range change {
		f(&c)
	}
	e, err := New(c)
	check(t, err)
	return e
}

// accountStore is what tests need of a store.
type accountStore interface {
	storage.Repos
	storage.Accounts
	storage.Events
}

func createAccount(t testing.TB, e *Engine, store accountStore, did syntax.DID) storage.Commit {
	t.Helper()
	commit, err := e.Genesis(t.Context(), did)
	check(t, err)
	_, err = store.CreateAccount(t.Context(), storage.NewAccount{
		Account: storage.Account{DID: did, Handle: syntax.Handle(fmt.Sprintf("%s.test", did[len("did:plc:"):]))}, Commit: commit,
	})
	check(t, err)
	return commit
}

// newRepo returns an engine over a store in memory that has the empty repo of alice.
func newRepo(t testing.TB, change ...func(*Config)) (*Engine, *memory.Store) {
	t.Helper()
	store := memory.New()
	e := newEngine(t, store, change...)
	createAccount(t, e, store, alice)
	return e, store
}

// record returns the DAG-CBOR of a record with a text.
func record(t testing.TB, text string) []byte {
	t.Helper()
	b, err := atdata.MarshalCBOR(map[string]any{"$type": "com.example.record", "text": text})
	check(t, err)
	return b
}

func decodeCommitEvent(t testing.TB, ev storage.Event) *comatproto.SyncSubscribeRepos_Commit {
	t.Helper()
	if ev.Kind != storage.EventCommit {
		t.Fatalf("event %s, want #commit", ev.Kind)
	}
	var msg comatproto.SyncSubscribeRepos_Commit
	check(t, msg.UnmarshalCBOR(bytes.NewReader(ev.Body)))
	return &msg
}

func eventBySeq(t testing.TB, store storage.Events, seq int64) storage.Event {
	t.Helper()
	for ev, err := range store.ListEvents(t.Context(), storage.EventRange{After: seq - 1, Limit: 1}) {
		check(t, err)
		if ev.Seq == seq {
			return ev
		}
	}
	t.Fatalf("no event %d", seq)
	return storage.Event{}
}

// indigoDir is where the module of indigo with its test data is.
var indigoDir = sync.OnceValue(func() string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bluesky-social/indigo").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

func indigoTestdata(name string) string {
	return filepath.Join(indigoDir(), "testing", "testdata", name)
}

func ptr[T any](v T) *T { return &v }

func undef() *cid.Cid { return ptr(cid.Undef) }
