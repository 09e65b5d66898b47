package pds_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/storage"
)

// What the accounts of an older database are to a server of today.
func TestMigratedAccounts(t *testing.T) {
	w, was, logins := migrated(t)
	for name, want := range map[string]storage.AccountStatus{
		"alice": "", "bob": "deactivated", "carol": "takendown", "dave": "", "erin": "",
	} {
		u := logins[name]
		var got struct {
			Active bool
			Status storage.AccountStatus
			Rev    string
		}
		w.get(t, "", "com.atproto.sync.getRepoStatus", "did", u.did.String()).decode(t, &got)
		if got.Active != (want == "") || got.Status != want {
			t.Errorf("%s is %+v, want %q", name, got, want)
		}
		if got.Active && got.Rev != u.account.Head.Rev.String() {
			t.Errorf("%s is at rev %s, want %s", name, got.Rev, u.account.Head.Rev)
		}
		row, err := w.config.Store.Account(t.Context(), u.did)
		if diff := cmp.Diff(u.account.Account, row); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if row := logins["bob"].account.Account; row.DeactivatedAt.IsZero() || row.DeleteAfter.Year() != 2027 {
		t.Errorf("bob was deactivated at %s, until %s", row.DeactivatedAt, row.DeleteAfter)
	}
	frank := logins["frank"].did.String() // who was deleted
	w.get(t, "", "com.atproto.sync.getRepoStatus", "did", frank).refused(t, 400, "RepoNotFound", "")

	n := 0
	for e, err := range w.Events(t.Context(), 0) {
		noError(t, err)
		if want := was.Events[n].Seq; e.Seq != want {
			t.Fatalf("event %d has number %d, want %d", n, e.Seq, want)
		}
		if n++; n == len(was.Events) {
			break
		}
	}
}

type sessionInfo struct {
	DID, Handle, AccessJWT string
	Active                 bool
}

// What people had to get in by still opens their accounts, and nobody else's.
func TestMigratedLogins(t *testing.T) {
	w, _, logins := migrated(t)
	for name, u := range logins {
		switch name {
		case "carol":
			w.logIn(t, "carol.test", u.Password).refused(t, 401, "AccountTakedown", "")
			w.logIn(t, "carol.test", u.AppPassword).refused(t, 401, "AccountTakedown", "")
			w.post(t, u.refresh, server+"refreshSession", nil).refused(t, 401, "AccountTakedown", "")
			u.post(t, "com.atproto.repo.createRecord", u.record("no")).refused(t, 401, "AccountTakedown", "")
			continue
		case "frank":
			w.logIn(t, "frank.test", u.Password).refused(t, 401, "AuthenticationRequired", "")
			w.post(t, u.refresh, server+"refreshSession", nil).refused(t, 403, "AccountNotFound", "")
			continue
		}
		w.logIn(t, string(u.Handle), "another "+u.Password).refused(t, 401, "AuthenticationRequired", "")
		var session, full, app, refreshed sessionInfo
		u.get(t, server+"getSession").decode(t, &session)
		w.logIn(t, string(u.Handle), u.Password).decode(t, &full)
		w.logIn(t, u.did.String(), u.AppPassword).decode(t, &app)
		w.post(t, u.refresh, server+"refreshSession", nil).decode(t, &refreshed)
		for _, s := range []*sessionInfo{&full, &app, &refreshed} {
			w.get(t, s.AccessJWT, server+"getSession").decode(t, nil)
			if s.AccessJWT = ""; *s != session {
				t.Errorf("%s has sessions %+v and %+v", name, *s, session)
			}
		}
		if session.DID != u.did.String() || session.Handle != string(u.Handle) || session.Active != (name != "bob") {
			t.Errorf("%s has session %+v", name, session)
		}
		w.get(t, app.AccessJWT, server+"listAppPasswords").refused(t, 401, "AuthMissing", "")
	}
}

// What the server kept for itself is there.
func TestMigratedDocuments(t *testing.T) {
	w, was, logins := migrated(t)
	for name, u := range logins {
		if name == "carol" || name == "frank" {
			continue
		}
		var want []string
		for _, p := range u.account.Preferences {
			var compact bytes.Buffer
			noError(t, json.Compact(&compact, p))
			want = append(want, compact.String())
		}
		if diff := cmp.Diff(want, preferencesOf(t, u.get(t, getPreferences))); diff != "" || len(want) == 0 {
			t.Errorf("%s has preferences (-want +got):\n%s", name, diff)
		}
		var list struct{ Passwords []appPassword }
		u.get(t, server+"listAppPasswords").decode(t, &list)
		if diff := cmp.Diff(u.appPasswords(t), list.Passwords); diff != "" {
			t.Errorf("%s has app passwords (-want +got):\n%s", name, diff)
		}
	}

	alice := logins["alice"]
	confirm := object{"email": "alice@example.com", "token": was.Code}
	logins["erin"].post(t, server+"confirmEmail", confirm).refused(t, 400, "InvalidEmail", "")
	alice.post(t, server+"confirmEmail", confirm).decode(t, nil)
	alice.post(t, server+"confirmEmail", confirm).refused(t, 400, "InvalidToken", "")
	var session struct{ EmailConfirmed bool }
	if alice.get(t, server+"getSession").decode(t, &session); !session.EmailConfirmed {
		t.Error("the address isn't confirmed")
	}

	alice.post(t, server+"revokeAppPassword", object{"name": "an app"}).decode(t, nil)
	w.logIn(t, "alice.test", alice.AppPassword).refused(t, 401, "AuthenticationRequired", "")

	for _, used := range was.Tokens {
		err := w.config.Store.PutDocument(t.Context(), storage.NewDocument{Document: storage.Document{
			Kind: used.Kind, ID: used.ID, IssuedAt: was.Now, ExpiresAt: was.Now.AddDate(1, 0, 0),
		}})
		if !errors.Is(err, storage.ErrExists) {
			t.Errorf("%s %s can be used again: %v", used.Kind, used.ID, err)
		}
	}
}

// appPasswords are the account's, as they were stored.
func (l *login) appPasswords(t *testing.T) (all []appPassword) {
	t.Helper()
	for _, token := range l.account.Tokens {
		if token.Kind == "app-password" {
			p := appPassword{Name: "an app", CreatedAt: token.Issued.Format(time.RFC3339Nano)}
			noError(t, json.Unmarshal([]byte(token.Value), &p))
			all = append(all, p)
		}
	}
	return all
}
