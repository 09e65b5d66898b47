package pds_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// move is an account that moves from one server to another, of which the test holds the rotation key. Each step is one of
// a client's.
type move struct {
	from, to *world
	old, new *user // of the same account: new once it has moved in
	key      *atcrypto.PrivateKeyK256
	plcDown  atomic.Bool // for the new server
}

// newMove signs up alice at one server, with records, blobs and preferences, beside another one with the same PLC
// directory.
func newMove(t testing.TB) *move {
	t.Helper()
	m := &move{from: start(t)}
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.plcDown.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		m.from.directory.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(gate.Close)
	m.to = start(t, func(c *pds.Config) {
		c.PLCURL, c.HandleDomains = gate.URL, []string{".new.test"}
		c.DID = "did:web:new.example.com"
	})
	var err error
	if m.key, err = atcrypto.GeneratePrivateKeyK256(); err != nil {
		t.Fatal(err)
	}
	public, err := m.key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	input := signUpInput("alice")
	input["recoveryKey"] = public.DIDKey()
	m.old = m.from.newUser(t, "", input)
	for i := range 30 {
		m.old.create(t, fmt.Sprint("record ", i))
	}
	picture, _ := m.old.upload(t, "image/png", pngBytes(t))
	m.old.embed(t, "picture", picture).decode(t, nil)
	m.old.embed(t, "again", picture).decode(t, nil)
	text, _ := m.old.upload(t, "text/plain", []byte("some text"))
	m.old.embed(t, "text", text).decode(t, nil)
	m.from.setPreferences(t, m.old.access, personalDetails, savedFeeds).decode(t, nil)
	return m
}

// moveIn makes the account at the new server, under a handle of that one.
func (m *move) moveIn(t testing.TB) {
	t.Helper()
	var server struct{ DID string }
	m.to.get(t, "", "com.atproto.server.describeServer").decode(t, &server)
	input := signUpInput("alice")
	input["did"], input["handle"] = m.old.did, "alice.new.test"
	m.new = m.to.newUser(t, m.old.serviceToken(t, server.DID, "com.atproto.server.createAccount"), input)
	if m.new.did != m.old.did {
		t.Fatalf("%s has become %s", m.old.did, m.new.did)
	}
}

// car is the repo as the old server gives it.
func (m *move) car(t testing.TB) []byte {
	t.Helper()
	res := m.from.get(t, "", "com.atproto.sync.getRepo", "did", m.old.did.String())
	if res.status != 200 {
		t.Fatal(res)
	}
	return res.body
}

func (m *move) importRepo(t testing.TB, car []byte) *response {
	t.Helper()
	return m.to.do(t, "POST", "/xrpc/com.atproto.repo.importRepo", m.new.access, "application/vnd.ipld.car", bytes.NewReader(car))
}

// missing lists the blobs that the new server hasn't got, a few at a time.
func (m *move) missing(t testing.TB) (cids []string) {
	t.Helper()
	for cursor, more := "", true; more; more = cursor != "" {
		var page struct {
			Cursor string
			Blobs  []struct{ CID string }
		}
		params := []string{"limit", "1"}
		if cursor != "" {
			params = append(params, "cursor", cursor)
		}
		m.new.get(t, "com.atproto.repo.listMissingBlobs", params...).decode(t, &page)
		for _, b := range page.Blobs {
			cids = append(cids, b.CID)
		}
		cursor = page.Cursor
	}
	return cids
}

// copyBlobs takes blobs from the old server to the new one.
func (m *move) copyBlobs(t testing.TB, cids []string) {
	t.Helper()
	for _, c := range cids {
		blob := m.from.get(t, "", "com.atproto.sync.getBlob", "did", m.old.did.String(), "cid", c)
		if blob.status != 200 {
			t.Fatal(blob)
		}
		ref, res := m.new.upload(t, blob.header.Get("Content-Type"), blob.body)
		if res.status != 200 || ref.Ref["$link"] != c {
			t.Fatalf("blob %s: got %s", c, res)
		}
	}
}

func (m *move) copyPreferences(t testing.TB) {
	t.Helper()
	var in struct {
		Preferences []json.RawMessage `json:"preferences"`
	}
	m.old.get(t, getPreferences).decode(t, &in)
	m.new.post(t, putPreferences, in).decode(t, nil)
}

// updateIdentity has the DID's document say something else.
func (m *move) updateIdentity(t testing.TB, change identity.Change) {
	t.Helper()
	signer, err := plc.NewSigner(m.key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := plc.NewClient(plc.ClientConfig{URL: m.from.directory.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = identity.NewPLCRegistrar(client, signer).Update(t.Context(), m.old.did, change)
	if err != nil {
		t.Fatal(err)
	}
}

// newKey is the key that the new server has made for the account, as did:key.
func (m *move) newKey(t testing.TB) string {
	t.Helper()
	public, err := m.to.config.Keys.Public(t.Context(), m.new.did.String())
	if err != nil {
		t.Fatal(err)
	}
	return public.DIDKey()
}

// point has the DID's document name the new server.
func (m *move) point(t testing.TB) {
	t.Helper()
	m.updateIdentity(t, identity.Change{PDS: m.to.url, SigningKey: m.newKey(t), Handle: "alice.new.test"})
}

func (m *move) activate(t testing.TB) *response {
	t.Helper()
	return m.new.post(t, "com.atproto.server.activateAccount", nil)
}

type moveStatus struct {
	Activated, ValidDID                                              bool
	IndexedRecords, PrivateStateValues, ExpectedBlobs, ImportedBlobs int
}

func (m *move) status(t testing.TB) (s moveStatus) {
	t.Helper()
	m.new.get(t, "com.atproto.server.checkAccountStatus").decode(t, &s)
	return s
}

// records are the CIDs of an account's records by their paths.
func (w *world) records(t testing.TB, did syntax.DID) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for r, err := range w.config.Store.Records(t.Context(), did, storage.RecordRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[r.Path] = r.CID.String()
	}
	return all
}

// wantMoved fails the test unless the account is at the new server, as far as strangers see, with all that it had.
func (m *move) wantMoved(t testing.TB) {
	t.Helper()
	ctx, did := t.Context(), m.old.did
	directory := &indigo.BaseDirectory{PLCURL: m.from.directory.URL, SkipHandleVerification: true}
	ident, err := directory.LookupDID(ctx, did)
	if err != nil {
		t.Fatal(err)
	}
	if ident.PDSEndpoint() != m.to.url {
		t.Errorf("the document names %s", ident.PDSEndpoint())
	}
	key, err := ident.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	res := m.to.get(t, "", "com.atproto.sync.getRepo", "did", did.String())
	commit, r, err := repo.LoadRepoFromCAR(ctx, bytes.NewReader(res.body))
	if err != nil {
		t.Fatal(err)
	}
	if err := commit.VerifySignature(key); err != nil {
		t.Error(err)
	}
	got := make(map[string]string)
	if err := r.MST.Walk(func(path []byte, c cid.Cid) error {
		got[string(path)] = c.String()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := m.from.records(t, did)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 33 {
		t.Errorf("%d records (-old +new):\n%s", len(want), diff)
	}
	before, err := m.from.config.Store.Head(ctx, did)
	if err != nil || commit.Rev <= before.Rev.String() {
		t.Errorf("rev %s comes after %s, %v", commit.Rev, before.Rev, err)
	}
	if err := m.to.Repo(did).Verify(ctx); err != nil {
		t.Error(err)
	}
}

// announced sums up what the events after a sequence number say of an account's status and handle.
func (w *world) announced(t testing.TB, after int64) (said string) {
	t.Helper()
	last, err := w.config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range w.Events(t.Context(), after) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Account != nil && e.Account.Status == storage.StatusActive:
			said = "active"
		case e.Account != nil:
			said = string(e.Account.Status)
		case e.Identity != nil:
			said += " " + e.Identity.Handle.String()
		}
		if e.Seq == last {
			break
		}
	}
	return said
}
