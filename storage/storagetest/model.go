package storagetest

import (
	"errors"
	"fmt"
	"maps"
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

	accounts []storage.Account // by ID
	lastID   int64
	repos    map[syntax.DID]*tree
	events   []storage.Event // with the numbers that the store gave, where they are known
	lastSeq  int64
	tokens   map[tokenID]storage.Token
	keys     map[string]string
	blobs    map[storage.BlobID]*modelBlob
}

type tokenID struct{ kind, id string }

type modelBlob struct {
	storage.Blob
	orphaned, claimed bool
}

// What a model chooses from.
var (
	modelDIDs        = []syntax.DID{testDID(0), testDID(1), testDID(2), testDID(3)}
	modelHandles     = []syntax.Handle{"", "a.test", "b.test", "c.test", "d.test"}
	modelEmails      = []string{"", "a@example.com", "b@example.com", "c@example.com"}
	modelCollections = []string{"a.b.c", "a.b.c.d", "a.b.c-d", "x.y.z"}
	modelNames       = []string{"1", "2", "3", "a", "~"}
	modelBlobs       = []string{"0", "1", "2", "3", "4", "5"}
	modelKinds       = []string{"kind", "other kind"}
)

func newModel(t *testing.T, s storage.Store, seed uint64) *model {
	return &model{
		t: t, store: s, random: rand.New(rand.NewPCG(seed, 0)), repos: make(map[syntax.DID]*tree),
		tokens: make(map[tokenID]storage.Token), keys: make(map[string]string),
		blobs: make(map[storage.BlobID]*modelBlob),
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

// failedAs says whether err is one of the errors that the model expects, and fails the test if it isn't, or if there is
// none and the model expects one.
func (m *model) failedAs(err error, expected []error) bool {
	m.t.Helper()
	m.trace[len(m.trace)-1] += fmt.Sprintf(": %v", err)
	if len(expected) == 0 {
		ok(m.t, "the last operation", err)
		return false
	}
	if !slices.ContainsFunc(expected, func(e error) bool { return sentinel(err) == e }) {
		m.t.Fatalf("the last operation's error is %v, want one of %v", err, expected)
	}
	return true
}

// sentinel returns the most special of the sentinel errors that err is.
func sentinel(err error) error {
	for _, s := range []error{
		storage.ErrHandleTaken, storage.ErrEmailTaken, storage.ErrExists, storage.ErrNotFound, storage.ErrConflict,
	} {
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

// taken returns the errors that an account of did with such a handle and address meets.
func (m *model) taken(did syntax.DID, handle syntax.Handle, email string) (errs []error) {
	for _, a := range m.accounts {
		if a.DID != did && handle != "" && a.Handle == handle {
			errs = append(errs, storage.ErrHandleTaken)
		}
		if a.DID != did && email != "" && a.Email == email {
			errs = append(errs, storage.ErrEmailTaken)
		}
	}
	return errs
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
	return b != nil && !b.claimed
}

// setTree makes r the repo of its account and counts the references.
func (m *model) setTree(r *tree) {
	m.repos[r.head.DID] = r
	for id, b := range m.blobs {
		if id.DID != r.head.DID {
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

// references returns the strings of the CIDs of the blobs that an account's records refer to since a rev, in order.
func (m *model) references(did syntax.DID, since syntax.TID) (ss []string) {
	for _, data := range modelBlobs {
		if slices.ContainsFunc(m.tree(did).referring(blobOf(data)), func(e entry) bool { return e.Rev > since }) {
			ss = append(ss, blobOf(data).String())
		}
	}
	return sorted(ss)
}

// compare reads everything.
func (m *model) compare() {
	m.t.Helper()
	m.compareAccounts()
	m.compareEvents()
	m.compareTokens()
	for _, did := range modelDIDs {
		if m.repos[did] == nil {
			wantNoRepo(m.t, m.store, did)
		} else {
			wantRepo(m.t, m.store, m.repos[did])
		}
		m.compareRange(did)
		m.compareBlobs(did)
	}
}

func (m *model) compareAccounts() {
	ctx := m.t.Context()
	var hosted []storage.Hosted
	for _, a := range m.accounts {
		hosted = append(hosted, storage.Hosted{Account: a, Head: m.repos[a.DID].head})
	}
	want(m.t, "ListAccounts", all(m.t, "ListAccounts", m.store.ListAccounts(ctx, 0, 100)), hosted)
	find := func(what string, got storage.Account, err error, is func(storage.Account) bool) {
		m.t.Helper()
		if i := slices.IndexFunc(m.accounts, is); i >= 0 {
			ok(m.t, what, err)
			want(m.t, what, got, m.accounts[i])
			return
		}
		fails(m.t, what, err, storage.ErrNotFound)
	}
	for _, did := range modelDIDs {
		got, err := m.store.Account(ctx, did)
		find("Account", got, err, func(a storage.Account) bool { return a.DID == did })
		sealed, err := m.store.Key(ctx, string(did))
		if want, there := m.keys[string(did)]; !there {
			fails(m.t, "Key", err, storage.ErrNotFound)
		} else if err != nil || string(sealed) != want {
			m.t.Fatalf("Key is %q, %v, want %q", sealed, err, want)
		}
	}
	for _, handle := range modelHandles {
		got, err := m.store.AccountByHandle(ctx, handle)
		find("AccountByHandle", got, err, func(a storage.Account) bool { return handle != "" && a.Handle == handle })
	}
	for _, email := range modelEmails {
		got, err := m.store.AccountByEmail(ctx, email)
		find("AccountByEmail", got, err, func(a storage.Account) bool { return email != "" && a.Email == email })
	}
}

func (m *model) compareEvents() {
	ctx := m.t.Context()
	log := events(m.t, m.store)
	want(m.t, "number of events", len(log), len(m.events))
	last := int64(0)
	for i, e := range log {
		if m.events[i].Seq == 0 { // it's one whose number wasn't returned
			m.events[i].Seq = e.Seq
		}
		if e.Seq <= last {
			m.t.Fatalf("event %d comes after %d", e.Seq, last)
		}
		last = e.Seq
	}
	want(m.t, "ListEvents", log, m.events)
	want(m.t, "LastSeq", must(m.store.LastSeq(ctx))(m.t), m.lastSeq)
	after, limit := m.random.IntN(len(log)+1), m.random.IntN(9)+1
	var seq int64
	if after > 0 {
		seq = log[after-1].Seq
	}
	want(m.t, "a page of events", all(m.t, "ListEvents", m.store.ListEvents(ctx, seq, limit)),
		log[after:min(after+limit, len(log))])
}

func (m *model) compareTokens() {
	ctx := m.t.Context()
	byDID := make(map[tokenID][]storage.Token)
	for _, kind := range modelKinds {
		for _, id := range modelNames { // in order
			got, err := m.store.Token(ctx, kind, id)
			if token, there := m.tokens[tokenID{kind, id}]; there {
				ok(m.t, "Token", err)
				want(m.t, "Token", got, token)
				owner := tokenID{kind, string(token.DID)}
				byDID[owner] = append(byDID[owner], token)
			} else {
				fails(m.t, "Token", err, storage.ErrNotFound)
			}
		}
		for _, did := range modelDIDs {
			want(m.t, "ListTokens", all(m.t, "ListTokens", m.store.ListTokens(ctx, kind, did)), byDID[tokenID{kind, string(did)}])
		}
	}
}

func (m *model) compareRange(did syntax.DID) {
	in := storage.RecordRange{Reverse: m.chance(50), Limit: m.random.IntN(5)}
	if m.chance(80) {
		in.Collection = syntax.NSID(choose(m, modelCollections))
		in.After = syntax.RecordKey(choose(m, append(modelNames, "")))
		in.Before = syntax.RecordKey(choose(m, append(modelNames, "")))
	}
	all := slices.Collect(maps.Keys(m.tree(did).records))
	want(m.t, fmt.Sprintf("Records in %+v", in), paths(m.t, m.store, did, in), inRange(all, in))
}

func (m *model) compareBlobs(did syntax.DID) {
	ctx := m.t.Context()
	for _, data := range modelBlobs {
		id := storage.BlobID{DID: did, CID: blobOf(data)}
		got, err := m.store.Blob(ctx, did, id.CID)
		if m.has(id) {
			ok(m.t, "Blob", err)
			want(m.t, "Blob", got, m.blobs[id].Blob)
		} else {
			fails(m.t, "Blob", err, storage.ErrNotFound)
		}
	}
	for range 3 {
		m.compareBlobPages(did)
	}
}

// compareBlobPages reads a random page of each listing.
func (m *model) compareBlobPages(did syntax.DID) {
	ctx := m.t.Context()
	page := func(ss []string) (after string, limit int, rest []string) {
		limit = m.random.IntN(6) + 1
		if len(ss) > 0 && m.chance(50) {
			i := m.random.IntN(len(ss))
			after, ss = ss[i], ss[i+1:]
		}
		return after, limit, ss[:min(limit, len(ss))]
	}
	since := syntax.TID("")
	if r := m.tree(did); r.commits > 0 && m.chance(50) {
		since = testRev(m.random.IntN(r.commits) + 1)
	}
	after, limit, rest := page(m.references(did, since))
	want(m.t, "ListBlobs", cidStrings(all(m.t, "ListBlobs", m.store.ListBlobs(ctx, did, since, after, limit))), rest)

	var missing, got []string
	for _, s := range m.references(did, "") {
		if c, err := cid.Decode(s); err == nil && !m.has(storage.BlobID{DID: did, CID: c}) {
			missing = append(missing, s)
		}
	}
	after, limit, rest = page(missing)
	for _, ref := range all(m.t, "ListMissingBlobs", m.store.ListMissingBlobs(ctx, did, after, limit)) {
		got = append(got, ref.CID.String())
		if !slices.Contains(m.tree(did).records[ref.Path].blobs, ref.CID) {
			m.t.Fatalf("ListMissingBlobs says that %s refers to %s", ref.Path, ref.CID)
		}
	}
	want(m.t, "ListMissingBlobs", got, rest)
}
