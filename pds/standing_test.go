package pds_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

var update = flag.Bool("update", false, "write testdata anew")

// standings are the states of an account, and what makes it so.
var standings = []struct {
	name   string
	change func(*storage.Account)
}{
	{"active", func(*storage.Account) {}},
	{"deactivated", func(a *storage.Account) { a.DeactivatedAt = time.Unix(1, 0) }},
	{"suspended", func(a *storage.Account) { a.TakedownRef, a.Suspended = "x", true }},
	{"takendown", func(a *storage.Account) { a.TakedownRef = "x" }},
	{"deleted", nil},
}

// TestStandings compares the server with a table in testdata. For each method the table has the
// policy, and for each kind of caller with an account and each state of the account, whether the
// caller reaches the method.
func TestStandings(t *testing.T) {
	p := pdstest.New(t, func(c *pds.Config) { c.OfflineLexicons = false }) // which has a method more
	methods := p.Methods()
	for _, m := range methods {
		if _, ok := m.Policy.Standing(); !ok {
			t.Errorf("%s names no standing: %s", m.ID, m.Policy)
		}
		p.Handle(xrpc.Override(m.Around(func(w http.ResponseWriter, _ *xrpc.Call[struct{}], _ func() error) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		})))
	}
	callers := callersByStanding(t, p)
	var table strings.Builder
	for _, m := range methods {
		fmt.Fprintf(&table, "%s %s\n", m.ID, m.Policy)
		var outcomes []string // each with the kinds that have it
		kinds := map[string][]string{}
		for _, kind := range accountKinds {
			if c := callers[kind][0]; m.Policy.IgnoresCredentials() || m.Policy.Check(t.Context(), c.caller, nil) != nil {
				continue
			}
			var outcome string
			for i, c := range callers[kind] {
				outcome += " " + standings[i].name + "=" + c.reaches(t, p, m)
			}
			if kinds[outcome] == nil {
				outcomes = append(outcomes, outcome)
			}
			kinds[outcome] = append(kinds[outcome], string(kind))
		}
		for _, outcome := range outcomes {
			fmt.Fprintf(&table, "    %s:%s\n", strings.Join(kinds[outcome], ", "), outcome)
		}
	}
	const file = "testdata/standings.txt"
	if *update {
		if err := os.WriteFile(file, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(table.String(), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it anew:\n%s", file, diff)
	}
}

// accountKinds are those of callers who act for an account.
var accountKinds = []auth.Kind{
	auth.KindSession, auth.KindPrivilegedAppPassword, auth.KindAppPassword, auth.KindTakendown, auth.KindRefresh,
	auth.KindOAuth, auth.KindService,
}

// everything is a scope that allows all that a policy asks for.
const everything = "atproto account:email?action=manage account:repo?action=manage identity:*"

type standingCaller struct {
	caller auth.Caller
	header string // Authorization
}

// callersByStanding returns callers by kind, one for each of standings.
func callersByStanding(t *testing.T, p *pdstest.PDS) map[auth.Kind][]standingCaller {
	callers := map[auth.Kind][]standingCaller{}
	for _, s := range standings {
		did := p.Account(t, s.name).DID
		for _, kind := range accountKinds {
			c := auth.Caller{DID: did, Kind: kind, Scope: everything}
			callers[kind] = append(callers[kind], standingCaller{c, p.As(c).Headers.Get("Authorization")})
		}
		if s.change == nil {
			if err := p.DeleteAccount(t.Context(), did); err != nil {
				t.Fatal(err)
			}
			continue
		}
		_, err := p.Config.Store.UpdateAccount(t.Context(), did, func(a *storage.Account) error {
			s.change(a)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return callers
}

// reaches returns the name of the error that keeps a caller from a method, or "ok".
func (c standingCaller) reaches(t *testing.T, p *pdstest.PDS, m xrpc.Method) string {
	r := httptest.NewRequest(m.Verb, xrpc.Prefix+m.ID.String(), nil)
	r.Header.Set("Authorization", c.header)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code == http.StatusTeapot {
		return "ok"
	}
	var e struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == "" {
		t.Errorf("%s: %d %s", m.ID, w.Code, w.Body)
	}
	return e.Error
}
