package plc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	_ http.Handler = (*Directory)(nil)
	_ error        = (*Error)(nil)
)

func TestDirectoryAnswers(t *testing.T) {
	k := newSigner(t)
	c := newClock()
	d := newDirectory(t, DirectoryConfig{Clock: c.now})
	state := stateOf("alice", k)
	state.VerificationMethods["p"] = didKey(newSignerP256(t))
	state.VerificationMethods["b"] = "did:key:z6MkjwbBXZnFqL8su24wGL2Fdjti6GSLv9SWdYGswfazUPm9"
	state.Services["x"] = Service{Type: "X", Endpoint: "https://x.test/?a&b"}
	genesis := sign(t, &Operation{State: state}, k)
	did := didOf(t, genesis)
	submit(t, d, did, genesis)
	gone := sign(t, &Operation{State: stateOf("gone", k)}, k)
	end := sign(t, &Tombstone{Prev: cidOf(t, gone)}, k)
	submit(t, d, didOf(t, gone), gone)
	submit(t, d, didOf(t, gone), end)
	ended := didOf(t, gone)
	const nobody = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"

	data, err := json.Marshal(map[string]any{
		"did": did, "rotationKeys": state.RotationKeys, "verificationMethods": state.VerificationMethods,
		"alsoKnownAs": state.AlsoKnownAs, "services": state.Services,
	})
	if err != nil {
		t.Fatal(err)
	}
	op, err := json.Marshal(genesis)
	if err != nil {
		t.Fatal(err)
	}
	last, err := json.Marshal(end)
	if err != nil {
		t.Fatal(err)
	}
	multibase := func(id string) string { return strings.TrimPrefix(state.VerificationMethods[id], "did:key:") }
	document := fmt.Sprintf(`{
		"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1",
			"https://w3id.org/security/suites/ecdsa-2019/v1", "https://w3id.org/security/suites/secp256k1-2019/v1"],
		"id": %[1]q,
		"alsoKnownAs": ["at://alice.test"],
		"verificationMethod": [
			{"id": "%[1]s#b", "type": "Multikey", "controller": %[1]q, "publicKeyMultibase": %[2]q},
			{"id": "%[1]s#p", "type": "Multikey", "controller": %[1]q, "publicKeyMultibase": %[3]q},
			{"id": "%[1]s#atproto", "type": "Multikey", "controller": %[1]q, "publicKeyMultibase": %[4]q}],
		"service": [
			{"id": "#x", "type": "X", "serviceEndpoint": "https://x.test/?a&b"},
			{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.test"}]
	}`, did, multibase("b"), multibase("p"), multibase("atproto"))
	entry := `{"did":"` + did.String() + `","operation":` + string(op) + `,"cid":"` + cidOf(t, genesis) +
		`","nullified":false,"createdAt":"2026-01-02T03:04:05.000Z"}`

	tests := []struct {
		method, path, body string
		status             int
		contentType, want  string
	}{
		{"GET", "/_health", "", 200, "application/json", `{"version":"pdskit"}`},
		{"GET", "/" + did.String(), "", 200, "application/did+ld+json", document},
		{"GET", "/" + strings.ReplaceAll(did.String(), ":", "%3A"), "", 200, "application/did+ld+json", document},
		{"GET", "/" + did.String() + "/data", "", 200, "application/json", string(data)},
		{"GET", "/" + did.String() + "/log", "", 200, "application/json", "[" + string(op) + "]"},
		{"GET", "/" + did.String() + "/log/last", "", 200, "application/json", string(op)},
		{"GET", "/" + did.String() + "/log/audit", "", 200, "application/json", "[" + entry + "]"},
		{"GET", "/export?count=1", "", 200, "application/jsonlines", entry},

		{"GET", "/" + ended.String(), "", 404, "application/json", `{"message":"DID not available: ` + ended.String() + `"}`},
		{"GET", "/" + ended.String() + "/data", "", 404, "application/json",
			`{"message":"DID not available: ` + ended.String() + `"}`},
		{"GET", "/" + ended.String() + "/log/last", "", 200, "application/json", string(last)},

		{"GET", "/" + nobody, "", 404, "application/json", `{"message":"DID not registered: ` + nobody + `"}`},
		{"GET", "/" + nobody + "/data", "", 404, "application/json", `{"message":"DID not registered: ` + nobody + `"}`},
		{"GET", "/" + nobody + "/log", "", 404, "application/json", `{"message":"DID not registered: ` + nobody + `"}`},
		{"GET", "/" + nobody + "/log/audit", "", 404, "application/json",
			`{"message":"DID not registered: ` + nobody + `"}`},
		{"GET", "/" + nobody + "/log/last", "", 404, "application/json",
			`{"message":"DID not registered: ` + nobody + `"}`},
		{"GET", "/export?count=0", "", 400, "application/json", `{"message":"Invalid count parameter"}`},
		{"GET", "/export?count=x", "", 400, "application/json", `{"message":"Invalid count parameter"}`},
		{"GET", "/export?after=x", "", 400, "application/json", `{"message":"Invalid after parameter"}`},
		{"GET", "/export?after=99999999999999999999", "", 400, "application/json",
			`{"message":"Invalid after parameter"}`},

		{"POST", "/" + did.String(), string(op), 400, "application/json",
			`{"message":"Operations not correctly ordered"}`},
		{"POST", "/" + nobody, `{"a": 1}`, 400, "application/json",
			`{"message":"Not a valid operation: {\"a\":1}"}`},
		{"POST", "/" + nobody, `{`, 400, "application/json", `{"message":"Not a valid operation"}`},
		{"POST", "/" + nobody, strings.Repeat(" ", maxBodyBytes+1), 413, "application/json",
			`{"message":"request entity too large"}`},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		if w.Code != test.status || !strings.HasPrefix(w.Header().Get("Content-Type"), test.contentType) {
			t.Errorf("%s %s: %d %s", test.method, test.path, w.Code, w.Header())
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: no CORS", test.method, test.path)
		}
		if diff := cmp.Diff(parseJSON(t, test.want), parseJSON(t, w.Body.String())); diff != "" {
			t.Errorf("%s %s: %s", test.method, test.path, diff)
		}
	}

	next := sign(t, &Operation{State: stateOf("bob", k), Prev: cidOf(t, genesis)}, k)
	raw, err := json.Marshal(next)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("POST", "/"+did.String(), strings.NewReader(string(raw))))
	if w.Code != 200 || w.Body.String() != "OK" {
		t.Error(w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("OPTIONS", "/"+did.String(), nil))
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Methods") == "" {
		t.Error(w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 200 {
		t.Error(w.Code)
	}
}

func parseJSON(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return v
}

func TestDirectoryExportPages(t *testing.T) {
	k := newSigner(t)
	d := newDirectory(t, DirectoryConfig{Clock: newClock().now}) // which stands still
	var want []string
	for i := range 7 {
		op := sign(t, &Operation{State: stateOf(fmt.Sprint("user", i), k)}, k)
		submit(t, d, didOf(t, op), op)
		want = append(want, cidOf(t, op))
	}
	for name, cursor := range map[string]func(wireEntry) string{
		"by number": func(e wireEntry) string { return fmt.Sprint(e.Seq) },
		"by time":   func(e wireEntry) string { return e.CreatedAt },
	} {
		after := "0"
		if name == "by time" {
			after = ""
		}
		var got []string
		for range 10 {
			w := httptest.NewRecorder()
			d.ServeHTTP(w, httptest.NewRequest("GET", "/export?count=3&after="+after, nil))
			if w.Body.Len() == 0 {
				break
			}
			for line := range strings.SplitSeq(w.Body.String(), "\n") {
				var e wireEntry
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				if sequenced := e.Type == "sequenced_op" && e.Nullified == nil; sequenced != (name == "by number") {
					t.Errorf("%s: %s", name, line)
				}
				got, after = append(got, e.CID), cursor(e)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDirectorySatisfiesIndigo resolves with the code that the network's other services use.
func TestDirectorySatisfiesIndigo(t *testing.T) {
	k := newSigner(t)
	d := newDirectory(t, DirectoryConfig{})
	srv := httptest.NewServer(d)
	defer srv.Close()
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	did := didOf(t, genesis)
	base := identity.BaseDirectory{PLCURL: srv.URL, SkipHandleVerification: true}

	if _, err := base.LookupDID(t.Context(), did); !errors.Is(err, identity.ErrDIDNotFound) {
		t.Error(err)
	}
	submit(t, d, did, genesis)
	id, err := base.LookupDID(t.Context(), did)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := id.PublicKey()
	if err != nil || !pub.Equal(k.PublicKey()) {
		t.Error(pub, err)
	}
	if h, err := id.DeclaredHandle(); h != "alice.test" || err != nil {
		t.Error(h, err)
	}
	if id.PDSEndpoint() != "https://pds.test" {
		t.Error(id.PDSEndpoint())
	}
	submit(t, d, did, sign(t, &Tombstone{Prev: cidOf(t, genesis)}, k))
	if _, err := base.LookupDID(t.Context(), did); !errors.Is(err, identity.ErrDIDNotFound) {
		t.Error(err)
	}
}

func TestDirectoryTakesOneOfManySuccessors(t *testing.T) {
	k := newSigner(t)
	d := newDirectory(t, DirectoryConfig{})
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	did := didOf(t, genesis)
	submit(t, d, did, genesis)
	var wg sync.WaitGroup
	taken := make(chan string, 8)
	for i := range cap(taken) {
		op := sign(t, &Operation{State: stateOf(fmt.Sprint("user", i), k), Prev: cidOf(t, genesis)}, k)
		wg.Go(func() {
			if d.Submit(t.Context(), did, op) == nil {
				taken <- op.State.AlsoKnownAs[0]
			}
		})
	}
	wg.Wait()
	if len(taken) != 1 {
		t.Fatalf("%d taken", len(taken))
	}
	if data, err := d.Data(did); err != nil || data.AlsoKnownAs[0] != <-taken {
		t.Error(data, err)
	}
}

// TestDirectoryLogsVerify submits random operations. Whatever the directory takes, its audit logs verify, and a
// directory that replays its journal is the same.
func TestDirectoryLogsVerify(t *testing.T) {
	keys := []Signer{newSigner(t), newSigner(t), newSignerP256(t)}
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		journal := &memoryJournal{}
		d := newDirectory(t, DirectoryConfig{Clock: c.now, Journal: journal})
		key := func() Signer { return rapid.SampledFrom(keys).Draw(rt, "key") }
		genesis := sign(t, &Operation{State: stateOf("alice", keys...)}, key())
		did := didOf(t, genesis)
		submit(t, d, did, genesis)
		cids := []string{cidOf(t, genesis)}
		for range rapid.IntRange(1, 15).Draw(rt, "operations") {
			c.move(time.Duration(rapid.IntRange(-1, 100).Draw(rt, "hours")) * time.Hour)
			prev := rapid.SampledFrom(cids[max(0, len(cids)-3):]).Draw(rt, "prev")
			var op Op = &Operation{State: stateOf("alice", keys...), Prev: prev}
			if rapid.IntRange(0, 9).Draw(rt, "tombstone") == 0 {
				op = &Tombstone{Prev: prev}
			}
			sign(t, op, key())
			if d.Submit(t.Context(), did, op) == nil {
				cids = append(cids, cidOf(t, op))
			}
		}
		audit, err := d.AuditLog(did)
		if err != nil {
			rt.Fatal(err)
		}
		if err := verify(did, audit); err != nil {
			rt.Fatal(err)
		}
		again, err := newDirectory(t, DirectoryConfig{Journal: journal}).AuditLog(did)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(audit, again, cmp.Comparer(func(a, b Entry) bool {
			return a.CID.Equals(b.CID) && a.Nullified == b.Nullified && a.CreatedAt.Equal(b.CreatedAt)
		})); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestDirectoryWithoutItsJournal(t *testing.T) {
	k := newSigner(t)
	journal := &memoryJournal{}
	d := newDirectory(t, DirectoryConfig{Journal: journal})
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	did := didOf(t, genesis)
	journal.err = errors.New("disk on fire")
	if err := d.Submit(t.Context(), did, genesis); !errors.Is(err, journal.err) {
		t.Error(err)
	}
	if _, err := d.Data(did); !errors.Is(err, ErrNotFound) {
		t.Error("an operation is visible that isn't in the journal", err)
	}
	raw, err := json.Marshal(genesis)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("POST", "/"+did.String(), strings.NewReader(string(raw))))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 500 || strings.Contains(string(body), "fire") {
		t.Errorf("%d %s %v", w.Code, body, err)
	}
	if _, err := NewDirectory(DirectoryConfig{Journal: journal}); !errors.Is(err, journal.err) {
		t.Error(err)
	}
	if _, err := d.AuditLog(syntax.DID("")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
