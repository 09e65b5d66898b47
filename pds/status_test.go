package pds_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// since returns the kinds of the events after a sequence number, and the last number.
func (w *world) since(t testing.TB, after int64) (kinds string, last int64) {
	t.Helper()
	var all []string
	for e, err := range w.config.Store.ListEvents(t.Context(), storage.EventRange{After: after}) {
		if err != nil {
			t.Fatal(err)
		}
		all, after = append(all, string(e.Kind)), e.Seq
	}
	return strings.Join(all, " "), after
}

func TestDeactivateAndActivate(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	alice.create(t, "one")
	_, seq := w.since(t, 0)

	alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{"deleteAfter": "2030-01-01T00:00:00Z"}).decode(t, nil)
	kinds, seq := w.since(t, seq)
	if kinds != "#account" {
		t.Errorf("deactivating wrote %s", kinds)
	}
	w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 400, "RepoDeactivated", "")
	var status struct {
		Activated, ValidDID        bool
		RepoRev                    string
		RepoBlocks, IndexedRecords int
	}
	alice.get(t, "com.atproto.server.checkAccountStatus").decode(t, &status)
	if status.Activated || !status.ValidDID || status.IndexedRecords != 1 || status.RepoBlocks != 3 || status.RepoRev == "" {
		t.Errorf("checkAccountStatus: %+v", status)
	}
	account, err := w.config.Store.Account(t.Context(), alice.did)
	if err != nil || account.DeleteAfter.Year() != 2030 {
		t.Errorf("deleteAfter is %v, %v", account.DeleteAfter, err)
	}

	alice.post(t, "com.atproto.server.activateAccount", nil).decode(t, nil)
	if kinds, seq = w.since(t, seq); kinds != "#account #identity #sync" {
		t.Errorf("activating wrote %s", kinds)
	}
	alice.post(t, "com.atproto.server.activateAccount", nil).decode(t, nil)
	if kinds, _ = w.since(t, seq); kinds != "" {
		t.Errorf("activating an active account wrote %s", kinds)
	}
	alice.create(t, "two")
}

func TestUpdateHandle(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	_, seq := w.since(t, 0)
	update := func(u *user, handle string) *response {
		return u.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": handle})
	}
	update(alice, "Carol.test").decode(t, nil)
	if kinds, _ := w.since(t, seq); kinds != "#identity" {
		t.Errorf("changing the handle wrote %s", kinds)
	}
	var session struct {
		Handle string
		DIDDoc struct{ AlsoKnownAs []string }
	}
	alice.get(t, "com.atproto.server.getSession").decode(t, &session)
	if session.Handle != "carol.test" || fmt.Sprint(session.DIDDoc.AlsoKnownAs) != "[at://carol.test]" {
		t.Errorf("the session says %+v", session)
	}
	var resolved struct{ DID string }
	w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "carol.test").decode(t, &resolved)
	if resolved.DID != alice.did.String() {
		t.Errorf("carol.test is %s", resolved.DID)
	}
	w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "alice.test").refused(t, 400, "HandleNotFound", "")

	update(bob, "carol.test").refused(t, 400, "HandleNotAvailable", "Handle already taken")
	update(bob, "x.test").refused(t, 400, "InvalidHandle", "too short")
	update(bob, "admin.test").refused(t, 400, "HandleNotAvailable", "Reserved")
	update(bob, "not a handle").refused(t, 400, "InvalidRequest", "input.handle")
	update(bob, "bob.invalid").refused(t, 400, "InvalidHandle", "")
	update(bob, "nobody.example.org").refused(t, 400, "InvalidRequest", "External handle did not resolve to DID")
	update(bob, "alice.test").decode(t, nil)

	w.directory.Close()
	update(bob, "bobby.test").refused(t, 502, "UpstreamFailure", "PLC directory")
	var kept struct{ DID string }
	w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "alice.test").decode(t, &kept)
	if kept.DID != bob.did.String() {
		t.Errorf("after a failed change alice.test is %s", kept.DID)
	}
}

// TestHandleOfOneWhoHasLeft: a handle that is only remembered here, and that the network gives, is whose the network says.
func TestHandleOfOneWhoHasLeft(t *testing.T) {
	const elsewhere = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	w := start(t, func(c *pds.Config) {
		c.LookupTXT = func(context.Context, string) ([]string, error) { return []string{"did=" + elsewhere}, nil }
	})
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	w.setStatus(t, alice, func(a *storage.Account) { a.Handle = "alice.example.com" })
	for _, want := range []string{alice.did.String(), elsewhere} {
		var got struct{ DID string }
		w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "alice.example.com").decode(t, &got)
		if got.DID != want {
			t.Errorf("alice.example.com is %s, want %s", got.DID, want)
		}
		w.get(t, "", "com.atproto.identity.resolveHandle", "handle", "bobby.test").decode(t, &got)
		if got.DID != bob.did.String() {
			t.Errorf("bobby.test is %s", got.DID)
		}
		for _, u := range []*user{alice, bob} {
			w.setStatus(t, u, func(a *storage.Account) { a.DeactivatedAt = time.Now() })
		}
	}
}

// What the PLC directory refuses, as an eleventh change within an hour, isn't this server's failure.
func TestUpdateHandleRefused(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	directory := w.directory.Config.Handler
	w.directory.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			rw.WriteHeader(http.StatusBadRequest)
			rw.Write([]byte(`{"message":"To many operations within last hour (max 10)"}`))
			return
		}
		directory.ServeHTTP(rw, r)
	})
	alice.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": "carol.test"}).
		refused(t, 400, "InvalidRequest", "The PLC directory refused to change the identity")
	w.directory.Config.Handler = directory
	alice.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": "carol.test"}).decode(t, nil)
}

// Of accounts that want the same handle at the same moment exactly one gets it.
func TestUpdateHandleRace(t *testing.T) {
	w := start(t)
	users := make([]*user, 4)
	for i := range users {
		users[i] = w.signUp(t, fmt.Sprint("user", i))
	}
	var wg sync.WaitGroup
	won := make(chan *user, len(users))
	for _, u := range users {
		wg.Go(func() {
			if r := u.post(t, "com.atproto.identity.updateHandle", map[string]any{"handle": "wanted.test"}); r.status == 200 {
				won <- u
			} else if r.name() != "HandleNotAvailable" {
				t.Errorf("a loser got %s", r)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d accounts got it", len(won))
	}
	winner := <-won
	for _, u := range users {
		var session struct {
			Handle string
			DIDDoc struct{ AlsoKnownAs []string }
		}
		u.get(t, "com.atproto.server.getSession").decode(t, &session)
		if claims := fmt.Sprint(session.DIDDoc.AlsoKnownAs) == "[at://wanted.test]"; claims != (u == winner) || claims != (session.Handle == "wanted.test") {
			t.Errorf("%s: %+v", u.did, session)
		}
	}
}

// TestLiftedWhileDeactivated: events say what an account has become, whatever else has changed meanwhile.
func TestLiftedWhileDeactivated(t *testing.T) {
	w, store := startMeddling(t)
	alice := w.signUp(t, "alice")
	subject := map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}
	w.takedown(t, subject, true)
	_, seq := w.since(t, 0)
	store.once("UpdateAccount", "", func() error {
		_, err := store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
			a.DeactivatedAt = time.Now()
			return nil
		})
		return err
	})
	w.takedown(t, subject, false)
	events, _ := w.events(t, seq)
	if diff := cmp.Diff([]string{`account false "deactivated"`}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
