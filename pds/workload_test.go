package pds_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/identity"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
)

// TestWorkload holds every frame of a random workload against upstream's verification: structure, signatures by the
// PLC directory's keys, and the inversion of each commit's operations. A live reader and one by cursor see the same
// frames, and per repo their chain is unbroken.
func TestWorkload(t *testing.T) {
	repos, operations := 50, 20_000
	if testing.Short() {
		repos, operations = 10, 2_000
	}
	w := start(t)
	users := make([]*user, repos)
	for i := range users {
		users[i] = w.signUp(t, fmt.Sprintf("user%02d", i))
	}
	last, err := w.config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	live := w.subscribe(t, fmt.Sprint("?cursor=", last))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)

	digest := make(chan [32]byte, 1)
	check := newFrameChecker(w)
	go func() { digest <- check.read(t, live, last) }()

	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			for i := worker; i < repos; i += 4 {
				users[i].work(t, rng, operations/repos)
			}
		})
	}
	wg.Wait()
	w.appendEnd(t)
	fromLive := <-digest
	replayed := newFrameChecker(w).read(t, w.subscribe(t, "?cursor=0"), last)
	if fromLive != replayed {
		t.Error("the live reader and the one by cursor saw different frames")
	}
	for _, u := range users {
		head, err := w.config.Store.Head(t.Context(), u.did)
		if err != nil {
			t.Fatal(err)
		}
		if got := check.heads[u.did.String()]; got.rev != head.Rev.String() || got.data != head.Data.String() {
			t.Errorf("the stream left %s at %+v, and its head is %s", u.did, got, head.Rev)
		}
		if err := w.Repo(u.did).Verify(t.Context()); err != nil {
			t.Errorf("%s: %v", u.did, err)
		}
	}
	t.Logf("%d frames", check.frames)
}

// appendEnd appends the event that ends a stream's reading: an #identity of a handle that nobody has.
func (w *world) appendEnd(t *testing.T) {
	t.Helper()
	event, err := firehose.IdentityEvent("did:web:end.example", endHandle, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Log().AppendEvents(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

const endHandle = "end.example"

// work does n random operations on a user's repo.
func (u *user) work(t *testing.T, rng *rand.Rand, n int) {
	keys := map[string]bool{}
	for n > 0 {
		size := 1
		switch rng.IntN(10) {
		case 0:
			size = min(n, 1+rng.IntN(200))
		case 1, 2, 3:
			size = min(n, 1+rng.IntN(8))
		case 4:
			if rng.IntN(20) == 0 {
				u.reimport(t)
			}
		case 5:
			if rng.IntN(10) == 0 { // empty the repo, as far as one commit goes
				size = max(1, min(n, len(keys), 200))
			}
		}
		var writes []map[string]any
		used := map[string]bool{}
		for key := range keys {
			if len(writes) == size/2 {
				break
			}
			used[key] = true
			op := map[string]any{"$type": "com.atproto.repo.applyWrites#delete", "collection": posts, "rkey": key}
			if rng.IntN(3) == 0 {
				op["$type"], op["value"] = "com.atproto.repo.applyWrites#update", map[string]any{"n": rng.Int32()}
			}
			writes = append(writes, op)
		}
		for len(writes) < size {
			key := fmt.Sprint("k", rng.IntN(1000))
			if used[key] || keys[key] {
				continue
			}
			used[key] = true
			writes = append(writes, map[string]any{
				"$type": "com.atproto.repo.applyWrites#create", "collection": posts, "rkey": key, "value": map[string]any{"n": rng.Int32()}})
		}
		r := u.post(t, "com.atproto.repo.applyWrites", map[string]any{"repo": u.did, "writes": writes})
		if r.status != 200 {
			t.Errorf("applyWrites: %s", r)
			return
		}
		for _, op := range writes {
			keys[op["rkey"].(string)] = op["$type"] != "com.atproto.repo.applyWrites#delete"
			if !keys[op["rkey"].(string)] {
				delete(keys, op["rkey"].(string))
			}
		}
		n -= len(writes)
	}
}

// reimport imports what is there already: the tree stays, and the chain goes on after a #sync.
func (u *user) reimport(t *testing.T) {
	car := u.world.get(t, "", "com.atproto.sync.getRepo", "did", u.did.String()).body
	r := u.world.do(t, "POST", "/xrpc/com.atproto.repo.importRepo", u.access, "application/vnd.ipld.car", bytes.NewReader(car))
	if r.status != 200 {
		t.Errorf("importRepo: %s", r)
	}
}

// chainLink is how far a repo has come in the stream.
type chainLink struct{ rev, data string }

// frameChecker checks frames as the strictest consumer would.
type frameChecker struct {
	dir    identity.Directory
	heads  map[string]chainLink
	frames int
}

func newFrameChecker(w *world) *frameChecker {
	dir := identity.NewCacheDirectory(&identity.BaseDirectory{PLCURL: w.directory.URL, SkipHandleVerification: true},
		1000, time.Hour, time.Hour, time.Hour)
	return &frameChecker{dir: dir, heads: map[string]chainLink{}}
}

// read checks all frames up to the end, and returns the digest of those after a sequence number.
func (c *frameChecker) read(t *testing.T, s *subscriber, after int64) [32]byte {
	hash := sha256.New()
	for last := int64(0); ; c.frames++ {
		kind, body := s.next(t)
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
			return [32]byte{}
		}
		seq, err := c.check(t, kind, raw)
		if err != nil || seq <= last {
			t.Errorf("%s %d after %d: %v", kind, seq, last, err)
			return [32]byte{}
		}
		if last = seq; seq > after {
			hash.Write(raw)
		}
		if kind == "#identity" && bytes.Contains(raw, []byte(endHandle)) {
			return [32]byte(hash.Sum(nil))
		}
	}
}

func (c *frameChecker) check(t *testing.T, kind string, raw []byte) (int64, error) {
	switch kind {
	case "#commit":
		var m comatproto.SyncSubscribeRepos_Commit
		if err := m.UnmarshalCBOR(bytes.NewReader(raw)); err != nil {
			return 0, err
		}
		return m.Seq, c.commit(t, &m)
	case "#sync":
		var m comatproto.SyncSubscribeRepos_Sync
		if err := m.UnmarshalCBOR(bytes.NewReader(raw)); err != nil {
			return 0, err
		}
		commit, err := indigo.VerifySyncMessage(t.Context(), c.dir, &m)
		if err == nil {
			c.heads[m.Did] = chainLink{m.Rev, commit.Data.String()}
		}
		return m.Seq, err
	case "#identity":
		var m comatproto.SyncSubscribeRepos_Identity
		err := m.UnmarshalCBOR(bytes.NewReader(raw))
		return m.Seq, err
	case "#account":
		var m comatproto.SyncSubscribeRepos_Account
		err := m.UnmarshalCBOR(bytes.NewReader(raw))
		return m.Seq, err
	}
	return 0, fmt.Errorf("unexpected")
}

func (c *frameChecker) commit(t *testing.T, m *comatproto.SyncSubscribeRepos_Commit) error {
	if err := indigo.VerifyCommitSignature(t.Context(), c.dir, m); err != nil {
		return err
	}
	repo, err := indigo.VerifyCommitMessage(t.Context(), m)
	if err != nil {
		return err
	}
	root, err := repo.MST.RootCID()
	if err != nil {
		return err
	}
	if prev, ok := c.heads[m.Repo]; ok {
		if m.Since == nil || *m.Since != prev.rev || m.PrevData == nil || m.PrevData.String() != prev.data {
			return fmt.Errorf("since %v and prevData %v don't follow %+v", m.Since, m.PrevData, prev)
		}
		if syntax.TID(m.Rev) <= syntax.TID(prev.rev) {
			return fmt.Errorf("rev %s after %s", m.Rev, prev.rev)
		}
	}
	c.heads[m.Repo] = chainLink{m.Rev, root.String()}
	return nil
}
