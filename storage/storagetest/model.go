package storagetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// seedVariable names the environment variable that makes the model tier run with one seed, that of a failure.
const seedVariable = "STORAGETEST_SEED"

// model is what a store should hold, kept as plainly as it can be, beside a store to which the same happens.
type model struct {
	t      *testing.T
	store  storage.Store
	random *rand.Rand
	trace  []string // of the operations

	accounts  []storage.Account // by ID
	lastID    int64
	repos     map[syntax.DID]*tree
	events    []storage.Event // with the numbers that the store gave, where they are known
	lastSeq   int64
	documents map[documentID]storage.Document
	blobs     map[storage.BlobID]*modelBlob
}

type documentID struct{ kind, id string }

type modelBlob struct {
	storage.Blob
	orphaned, claimed bool
	deleted           bool // with its account
}

// What a model chooses from.
var (
	modelDIDs        = []syntax.DID{testDID(0), testDID(1), testDID(2), testDID(3)}
	modelHandles     = []syntax.Handle{"", "a.test", "b.test", "c.test", "d.test"}
	modelEmails      = []string{"", "a@example.com", "b@example.com", "c@example.com"}
	modelCollections = []string{"a.b.c", "a.b.c.d", "a.b.c-d", "x.y.z"}
	modelNames       = []string{"1", "2", "3", "a", "~"}
	modelSubjects    = []string{"", "subject", "other subject"}
	modelBlobs       = []string{"0", "1", "2", "3", "4", "5"}
	modelKinds       = []string{"kind", "other kind"}
	modelRefs        = []string{"", "ref", "other ref"}
	modelTimes       = []time.Time{{}, at(5), at(6), at(7)}
	modelStatuses    = []storage.AccountStatus{storage.StatusActive, storage.StatusDeactivated, storage.StatusTakendown}
)

func newModel(t *testing.T, s storage.Store, seed uint64) *model {
	return &model{
		t: t, store: s, random: rand.New(rand.NewPCG(seed, 0)), repos: make(map[syntax.DID]*tree),
		documents: make(map[documentID]storage.Document), blobs: make(map[storage.BlobID]*modelBlob),
	}
}

func runModel(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newModel(t, open(t), seed)
			m.run(250)
		})
	}
}

// seeds returns some that are always the same, and a new one; or else the one that was asked for.
func seeds(t *testing.T) []uint64 {
	if s := os.Getenv(seedVariable); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		ok(t, seedVariable, err)
		return []uint64{seed}
	}
	return []uint64{1, 2, 3, uint64(time.Now().UnixNano()) % 1e6}
}

// run does n random operations, and compares all that can be read from time to time.
func (m *model) run(n int) {
	defer func() {
		if m.t.Failed() {
			m.t.Logf("run this again with %s set to the seed; the last operations were\n\t%s", seedVariable,
				strings.Join(m.trace[max(0, len(m.trace)-30):], "\n\t"))
		}
	}()
	for i := range n {
		m.step()
		if i%10 == 9 || i == n-1 {
			m.compare()
		}
	}
	ok(m.t, "Check", Check(m.t.Context(), m.store))
}

func choose[V any](m *model, from []V) V { return from[m.random.IntN(len(from))] }

func (m *model) chance(percent int) bool { return m.random.IntN(100) < percent }

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// failed says whether the store returned the error that the model expects, nil if it expects none, and fails the test if
// it is another one.
func (m *model) failed(err, expected error) bool {
	m.t.Helper()
	m.trace[len(m.trace)-1] += fmt.Sprintf(": %v", err)
	if expected == nil {
		ok(m.t, "the last operation", err)
		return false
	}
	if sentinel(err) != expected {
		m.t.Fatalf("the last operation's error is %v, want %v", err, expected)
	}
	return true
}

// guard returns a random guard on an account, or none, and whether it is met.
func (m *model) guard(did syntax.DID) (g *storage.Guard, met bool) {
	if m.chance(70) {
		return nil, true
	}
	a := m.account(did)
	g = &storage.Guard{Epoch: int64(m.random.IntN(2))}
	if a != nil && m.chance(70) {
		g.Epoch = a.Epoch
	}
	if m.chance(50) {
		g.Statuses = modelStatuses[m.random.IntN(2):][:2]
	}
	return g, a != nil && g.Admits(a)
}

// sentinels are the sentinel errors, special ones first.
var sentinels = []error{
	storage.ErrHandleTaken, storage.ErrEmailTaken, storage.ErrExists, storage.ErrNotFound, storage.ErrConflict,
	storage.ErrGuard, storage.ErrLimit, storage.ErrFull, storage.ErrCut,
}

// sentinel returns the most special of the sentinel errors that err is, and err itself if it is
// none.
func sentinel(err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}

// appended notes that events were appended, of which the last got this number.
func (m *model) appended(seq int64, events ...storage.Event) {
	m.t.Helper()
	if len(events) == 0 {
		want(m.t, "the number without events", seq, 0)
		return
	}
	if seq < m.lastSeq+int64(len(events)) {
		m.t.Fatalf("%d events got numbers up to %d, and the last one before was %d", len(events), seq, m.lastSeq)
	}
	m.lastSeq = seq
	for _, e := range events {
		e.Seq = 0
		m.events = append(m.events, e)
	}
	m.events[len(m.events)-1].Seq = seq
}

func (m *model) account(did syntax.DID) *storage.Account {
	for i := range m.accounts {
		if m.accounts[i].DID == did {
			return &m.accounts[i]
		}
	}
	return nil
}

// taken returns the error that an account of did with such a handle and address meets.
func (m *model) taken(did syntax.DID, handle syntax.Handle, email string) error {
	has := func(is func(a storage.Account) bool) bool {
		return slices.ContainsFunc(m.accounts, func(a storage.Account) bool { return a.DID != did && is(a) })
	}
	if handle != "" && has(func(a storage.Account) bool { return a.Handle == handle }) {
		return storage.ErrHandleTaken
	}
	if email != "" && has(func(a storage.Account) bool { return a.Email == email }) {
		return storage.ErrEmailTaken
	}
	return nil
}

// tree returns an account's repo, an empty one if there is none.
func (m *model) tree(did syntax.DID) *tree {
	if r := m.repos[did]; r != nil {
		return r
	}
	return emptyTree(did)
}

// has says whether an account has a blob.
func (m *model) has(id storage.BlobID) bool {
	b := m.blobs[id]
	return b != nil && !b.claimed && !b.deleted
}

// setTree makes r the repo of its account and counts the references.
func (m *model) setTree(r *tree) {
	m.repos[r.head.DID] = r
	for id, b := range m.blobs {
		if id.DID != r.head.DID || b.deleted {
			continue
		}
		referenced := len(r.referring(id.CID)) > 0
		if referenced != b.Referenced {
			b.Referenced, b.orphaned = referenced, !referenced
		}
	}
}

// referring returns the records that refer to a blob.
func (r *tree) referring(c cid.Cid) (es []entry) {
	for _, e := range r.sortedRecords() {
		if slices.Contains(e.blobs, c) {
			es = append(es, e)
		}
	}
	return es
}
