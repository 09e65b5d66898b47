package pds_test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

const (
	getPreferences  = "app.bsky.actor.getPreferences"
	putPreferences  = "app.bsky.actor.putPreferences"
	personalDetails = `{"$type":"app.bsky.actor.defs#personalDetailsPref","birthDate":"2010-03-01T00:00:00.000Z"}`
	adultContent    = `{"$type":"app.bsky.actor.defs#adultContentPref","enabled":true,"unknown":1.50}`
	savedFeeds      = `{"$type":"app.bsky.actor.defs#savedFeedsPrefV2","items":[]}`
)

// setPreferences replaces preferences, which are given as JSON.
func (w *world) setPreferences(t testing.TB, token string, values ...string) *response {
	t.Helper()
	raw := make([]json.RawMessage, len(values))
	for i, v := range values {
		raw[i] = json.RawMessage(v)
	}
	return w.post(t, token, putPreferences, map[string]any{"preferences": raw})
}

// preferencesOf returns preferences as JSON.
func preferencesOf(t testing.TB, res *response) (values []string) {
	t.Helper()
	var out struct{ Preferences []json.RawMessage }
	res.decode(t, &out)
	for _, p := range out.Preferences {
		values = append(values, string(p))
	}
	return values
}

func TestPreferences(t *testing.T) {
	now := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)
	w := start(t, withClock(&now))
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
	app := w.token(t, alice.did, session.ScopeAppPass)
	want := func(token string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, preferencesOf(t, w.get(t, token, getPreferences))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	age := func(a13, a16, a18 bool) string {
		return fmt.Sprintf(`{"$type":"app.bsky.actor.defs#declaredAgePref","isOverAge13":%t,"isOverAge16":%t,"isOverAge18":%t}`, a13, a16, a18)
	}
	if res := w.get(t, alice.access, getPreferences); string(res.body) != `{"preferences":[]}`+"\n" {
		t.Errorf("at first: %s", res)
	}
	w.setPreferences(t, alice.access, personalDetails, adultContent, age(true, true, true)).decode(t, nil)
	want(alice.access, personalDetails, adultContent, age(true, false, false))
	want(bob.access)

	// An app sees what follows from the date of birth, and neither sees nor overwrites the date.
	want(app, adultContent, age(true, false, false))
	w.setPreferences(t, app, savedFeeds, age(true, true, true)).decode(t, nil)
	want(alice.access, personalDetails, savedFeeds, age(true, false, false))
	w.setPreferences(t, app, personalDetails).refused(t, 400, "InvalidRequest", "authorization to set preferences: app.bsky.actor.defs#personalDetailsPref")
	w.setPreferences(t, app).decode(t, nil)
	want(app, age(true, false, false))

	now = now.Add(time.Hour) // the sixteenth birthday
	access := w.token(t, alice.did, session.ScopeAccess)
	want(access, personalDetails, age(true, true, false))
	for _, date := range []string{"2010-03-01", "2010-03-01T23:59:59.999Z", "2010-03-02T02:00:00+03:00"} {
		details := `{"$type":"app.bsky.actor.defs#personalDetailsPref","birthDate":"` + date + `"}`
		w.setPreferences(t, access, details).decode(t, nil)
		want(access, details, age(true, true, false))
	}
	for _, nothing := range []string{"", "soon"} {
		details := `{"$type":"app.bsky.actor.defs#personalDetailsPref","birthDate":"` + nothing + `"}`
		w.setPreferences(t, access, details).decode(t, nil)
		want(access, details)
	}
	w.setPreferences(t, access, personalDetails).decode(t, nil)

	w.setPreferences(t, access, `{"enabled":true}`).refused(t, 400, "InvalidRequest", "missing a $type")
	w.setPreferences(t, access, `7`).refused(t, 400, "InvalidRequest", "missing a $type")
	w.setPreferences(t, access, `{"$type":"com.example.x"}`).refused(t, 400, "InvalidRequest", "not in the app.bsky namespace")
	w.setPreferences(t, access, `{"$type":"app.bskyx.y"}`).refused(t, 400, "InvalidRequest", "not in the app.bsky namespace")
	w.post(t, access, putPreferences, map[string]any{}).refused(t, 400, "InvalidRequest", "preferences")
	w.do(t, "POST", "/xrpc/"+putPreferences, access, "application/json", strings.NewReader("[")).refused(t, 400, "InvalidRequest", "")
	w.get(t, "", getPreferences).refused(t, 401, "AuthMissing", "")
	w.do(t, "POST", "/xrpc/"+putPreferences, access, "application/json", strings.NewReader(`{"preferences":[]} {`)).refused(t, 400, "InvalidRequest", "")
	want(access, personalDetails, age(true, true, false))
	w.setPreferences(t, access).decode(t, nil)
	want(access)

	// Who is taken down may take the preferences along, and changes nothing.
	w.setPreferences(t, access, savedFeeds).decode(t, nil)
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	down := w.token(t, alice.did, session.ScopeTakendown)
	want(down, savedFeeds)
	w.get(t, access, getPreferences).refused(t, 401, "AccountTakedown", "")
	w.setPreferences(t, access).refused(t, 401, "AccountTakedown", "")
	w.setPreferences(t, down).refused(t, 400, "InvalidToken", "")

	// They go with the account.
	if _, err := w.config.Store.DeleteAccount(t.Context(), alice.did); err != nil {
		t.Fatal(err)
	}
	w.get(t, down, getPreferences).refused(t, 403, "AccountNotFound", "")
}

// A preference is of the type that those who read it see, whatever looks like one beside it.
func TestPreferenceType(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	app := w.token(t, alice.did, session.ScopeAppPass)
	for _, other := range []string{"$TYPE", "$Type", "$type "} {
		w.setPreferences(t, app, fmt.Sprintf(`{"$type":"app.bsky.actor.defs#personalDetailsPref","birthDate":"1980-01-01","%s":"app.bsky.x"}`, other)).
			refused(t, 400, "InvalidRequest", "authorization")
		w.setPreferences(t, app, fmt.Sprintf(`{"$type":"app.bsky.actor.defs#declaredAgePref","isOverAge18":true,"%s":"app.bsky.x"}`, other)).
			decode(t, nil)
		w.setPreferences(t, app, fmt.Sprintf(`{"%s":"app.bsky.x"}`, other)).refused(t, 400, "InvalidRequest", "missing a $type")
	}
	if got := preferencesOf(t, alice.get(t, getPreferences)); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

// A body is too large by its length, and by what comes.
func TestPreferencesTooLarge(t *testing.T) {
	alice := start(t).signUp(t, "alice")
	body := `{"preferences":[{"$type":"app.bsky.x","x":"` + strings.Repeat("x", xrpc.DefaultMaxBody) + `"}]}`
	for _, r := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
		read(t, alice.with(t, "POST", putPreferences, r, "Content-Type", "application/json")).refused(t, 413, "PayloadTooLarge", "")
	}
}

// Of people who write at once, each leaves the private ones alone, and the last one's others stay.
func TestPreferencesRace(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	app := w.token(t, alice.did, session.ScopeAppPass)
	w.setPreferences(t, alice.access, personalDetails).decode(t, nil)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			w.setPreferences(t, app, fmt.Sprintf(`{"$type":"app.bsky.x","n":%d}`, i)).decode(t, nil)
		})
	}
	wg.Wait()
	got := preferencesOf(t, alice.get(t, getPreferences))
	if len(got) != 3 || got[0] != personalDetails || !strings.HasPrefix(got[1], `{"$type":"app.bsky.x"`) {
		t.Errorf("got %q", got)
	}
}

// The operator's AppView is the server itself, as far as preferences are concerned. Another one has its own.
func TestPreferencesElsewhere(t *testing.T) {
	view, other := newUpstream(t, ok), newUpstream(t, ok)
	w := start(t, view.serves("app.bsky.*"), withApps)
	alice := w.signUp(t, "alice")
	for _, header := range []string{"", view.id()} {
		if res := read(t, alice.with(t, "GET", getPreferences, nil, "Atproto-Proxy", header)); string(res.body) != `{"preferences":[]}`+"\n" {
			t.Errorf("%q: %s", header, res)
		}
	}
	if res := read(t, alice.with(t, "GET", getPreferences, nil, "Atproto-Proxy", other.id())); string(res.body) != `{"ok":true}` {
		t.Errorf("another: %s", res)
	}
	w.claims(t, other.last(t), other.did(), getPreferences)
	body := strings.NewReader(`{"preferences":[]}`)
	read(t, alice.with(t, "POST", putPreferences, body, "Atproto-Proxy", other.id(), "Content-Type", "application/json")).decode(t, nil)
	if r := other.last(t); r.ContentLength != 18 || view.count() != 0 {
		t.Errorf("another AppView got %d bytes, ours %d requests", r.ContentLength, view.count())
	}
	read(t, alice.with(t, "GET", getPreferences, nil, "Atproto-Proxy", "junk")).refused(t, 400, "InvalidRequest", "")

	// Whoever is taken down reads what is here, and asks nobody else.
	asked := other.count()
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	down := &user{world: w, did: alice.did, access: w.token(t, alice.did, session.ScopeTakendown)}
	read(t, down.with(t, "GET", getPreferences, nil, "Atproto-Proxy", view.id())).decode(t, nil)
	read(t, down.with(t, "GET", getPreferences, nil, "Atproto-Proxy", other.id())).refused(t, 400, "InvalidToken", "")
	if other.count() != asked {
		t.Error("another AppView is asked for an account that is taken down")
	}
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "" })

	w.asApp(t, alice, "atproto", "GET", getPreferences, nil).refused(t, 403, "ScopeMissingError", getPreferences)
	w.asApp(t, alice, "atproto rpc:"+getPreferences+"?aud=*", "GET", getPreferences, nil).decode(t, nil)
	w.setPreferences(t, alice.access, personalDetails).decode(t, nil)
	res := w.asApp(t, alice, "atproto transition:generic", "GET", getPreferences, nil)
	if got := preferencesOf(t, res); slices.Contains(got, personalDetails) || len(got) != 1 {
		t.Errorf("an app sees %q", got)
	}
}

// A host has preferences of its own.
func TestPreferencesOfHost(t *testing.T) {
	w := start(t, func(c *pds.Config) {
		c.Preferences = []pds.PreferenceNamespace{{
			Name: "com.example", Get: "com.example.getSettings", Put: "com.example.putSettings", Private: []string{"com.example.secret"},
		}}
	})
	alice := w.signUp(t, "alice")
	app := w.token(t, alice.did, session.ScopeAppPass)
	set := []any{map[string]any{"$type": "com.example.secret"}, map[string]any{"$type": "com.example.color"}}
	alice.post(t, "com.example.putSettings", map[string]any{"preferences": set}).decode(t, nil)
	if got := preferencesOf(t, alice.get(t, "com.example.getSettings")); len(got) != 2 {
		t.Errorf("got %q", got)
	}
	if got := preferencesOf(t, w.get(t, app, "com.example.getSettings")); len(got) != 1 || got[0] != `{"$type":"com.example.color"}` {
		t.Errorf("an app sees %q", got)
	}
	if got := preferencesOf(t, alice.get(t, getPreferences)); len(got) != 0 {
		t.Errorf("app.bsky has %q", got)
	}
	w.setPreferences(t, alice.access, savedFeeds, adultContent).decode(t, nil)
	w.setPreferences(t, alice.access, savedFeeds).decode(t, nil)
	if got := preferencesOf(t, alice.get(t, "com.example.getSettings")); len(got) != 2 {
		t.Errorf("with app.bsky's, got %q", got)
	}
	var status struct{ PrivateStateValues int }
	alice.get(t, "com.atproto.server.checkAccountStatus").decode(t, &status)
	if status.PrivateStateValues != 3 {
		t.Errorf("checkAccountStatus counts %d", status.PrivateStateValues)
	}
}

// Of namespaces within each other, one would tell what is private in the other.
func TestPreferencesConfig(t *testing.T) {
	base := start(t).config
	const get, put = "com.example.getSettings", "com.example.putSettings"
	for want, namespaces := range map[string][]pds.PreferenceNamespace{
		`"" isn't one`:               {{Get: get, Put: put}},
		`"app" and another`:          {{Name: "app", Get: get, Put: put}},
		`"app.bsky.actor" and`:       {{Name: "app.bsky.actor", Get: get, Put: put}},
		`"app.bsky" and another`:     {{Name: "app.bsky", Get: get, Put: put}},
		`"com" and another`:          {{Name: "com.example", Get: get, Put: put}, {Name: "com", Get: get + "2", Put: put + "2"}},
		"without a name":             {{Name: "com.example", Put: put}},
		`"com.example" has a method`: {{Name: "com.example", Get: get, Put: "put"}},
	} {
		c := base
		c.Preferences = namespaces
		if _, err := pds.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", namespaces, err)
		}
	}
	c := base
	c.Preferences = []pds.PreferenceNamespace{{Name: "app.bskyx", Get: get, Put: put}}
	if _, err := pds.New(c); err != nil {
		t.Error(err)
	}
}
