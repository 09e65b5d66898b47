package pds_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage"
)

type appPassword struct {
	Name, Password, CreatedAt string
	Privileged                bool
}

func (u *user) newAppPassword(t *testing.T, name string, privileged bool) appPassword {
	t.Helper()
	var p appPassword
	u.post(t, server+"createAppPassword", object{"name": name, "privileged": privileged}).decode(t, &p)
	if p.Name != name || p.Privileged != privileged || p.CreatedAt == "" || !session.IsAppPassword(p.Password) {
		t.Errorf("got %+v", p)
	}
	return p
}

// as is somebody who has logged in by a password.
func (u *user) as(t *testing.T, password string) *user {
	t.Helper()
	var tokens struct{ AccessJWT, RefreshJWT string }
	u.world.logIn(t, u.did.String(), password).decode(t, &tokens)
	return &user{world: u.world, did: u.did, access: tokens.AccessJWT, refresh: tokens.RefreshJWT}
}

func TestAppPasswords(t *testing.T) {
	view := newUpstream(t, ok)
	w := start(t, view.serves())
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
	plain, chat := alice.newAppPassword(t, "my app", false), alice.newAppPassword(t, "chats / ☺", true)
	app, chatApp := alice.as(t, plain.Password), alice.as(t, chat.Password)

	for _, u := range []*user{app, chatApp} {
		u.newPost(t, "hello", nil)
		u.post(t, server+"createAppPassword", object{"name": "more"}).refused(t, 400, "InvalidToken", "")
		u.get(t, server+"listAppPasswords").refused(t, 400, "InvalidToken", "")
		u.post(t, server+"revokeAppPassword", object{"name": "my app"}).refused(t, 400, "InvalidToken", "")
		u.post(t, server+"deactivateAccount", object{}).refused(t, 400, "InvalidToken", "")
	}
	app.get(t, "chat.bsky.convo.getLog").refused(t, 400, "InvalidToken", "")
	chatApp.get(t, "chat.bsky.convo.getLog").decode(t, nil)

	var list struct{ Passwords []appPassword }
	alice.get(t, server+"listAppPasswords").decode(t, &list)
	for _, p := range []*appPassword{&plain, &chat} {
		p.Password = ""
	}
	if diff := cmp.Diff([]appPassword{chat, plain}, list.Passwords); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	bob.get(t, server+"listAppPasswords").decode(t, &list)
	if len(list.Passwords) != 0 {
		t.Errorf("bob has %+v", list.Passwords)
	}
}

func TestAppPasswordRefusals(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
	p := alice.newAppPassword(t, "app", false)
	bob.newAppPassword(t, "app", false)
	for name, text := range map[string]string{"app": "of that name", "": "name", strings.Repeat("x", 257): "characters"} {
		alice.post(t, server+"createAppPassword", object{"name": name}).refused(t, 400, "InvalidRequest", text)
	}
	alice.newAppPassword(t, strings.Repeat("☺", 256), false)
	for _, login := range [][2]string{
		{"bob.test", p.Password}, {"nobody.test", p.Password}, {"alice.test", "abcd-efgh-ijkl-mnop"}, {"alice.test", strings.ToUpper(p.Password)},
	} {
		w.logIn(t, login[0], login[1]).refused(t, 401, "AuthenticationRequired", "Invalid identifier or password")
	}
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	w.logIn(t, "alice.test", p.Password).refused(t, 401, "AccountTakedown", "")
	alice.post(t, server+"createAppPassword", object{"name": "another"}).refused(t, 401, "AccountTakedown", "")
	alice.post(t, server+"revokeAppPassword", object{"name": "app"}).refused(t, 401, "AccountTakedown", "")
	alice.get(t, server+"listAppPasswords").refused(t, 401, "AccountTakedown", "")
	alice.get(t, server+"checkAccountStatus").refused(t, 401, "AccountTakedown", "")
}

func TestTooManyAppPasswords(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
	apps := session.AppPasswords{Store: w.config.Store}
	for i := range 100 {
		if err := apps.Import(t.Context(), alice.did, session.AppPassword{Name: fmt.Sprint(i), CreatedAt: time.Now()}, "hash"); err != nil {
			t.Fatal(err)
		}
	}
	alice.post(t, server+"createAppPassword", object{"name": "one more"}).refused(t, 400, "InvalidRequest", "100")
	bob.newAppPassword(t, "app", false)
	alice.post(t, server+"revokeAppPassword", object{"name": "7"}).decode(t, nil)
	alice.newAppPassword(t, "one more", false)
}

// What has the form of an app password may be the account's own.
func TestPasswordLikeAnAppPassword(t *testing.T) {
	w := start(t)
	const own = "abcd-efgh-ijkl-mnop"
	in := signUpInput("alice")
	in["password"] = own
	w.post(t, "", server+"createAccount", in).decode(t, nil)
	w.logIn(t, "alice.test", own).decode(t, nil)
}

// Revoked is revoked: for logins, and for the sessions that were begun; others go on.
func TestRevokeAppPassword(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	p, other := alice.newAppPassword(t, "app", false), alice.newAppPassword(t, "other", true)
	app, otherApp := alice.as(t, p.Password), alice.as(t, other.Password)
	for range 2 {
		alice.post(t, server+"revokeAppPassword", object{"name": "app"}).decode(t, nil)
	}
	w.logIn(t, "alice.test", p.Password).refused(t, 401, "AuthenticationRequired", "")
	w.post(t, app.refresh, server+"refreshSession", nil).refused(t, 400, "ExpiredToken", "")
	for _, token := range []string{alice.refresh, otherApp.refresh} {
		w.post(t, token, server+"refreshSession", nil).decode(t, nil)
	}
	alice.newAppPassword(t, "app", false) // the name is free again
}

// TestRevokeAppPasswordMeanwhile: so it is for a login under way.
// Another app password may have the name since.
func TestRevokeAppPasswordMeanwhile(t *testing.T) {
	for _, again := range []bool{false, true} {
		w, store := startMeddling(t)
		alice := w.signUp(t, "alice")
		p := alice.newAppPassword(t, "app", false)
		count := func() (n int) {
			for _, err := range store.ListDocuments(t.Context(), storage.DocumentRange{Kind: "session", Owner: alice.did}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		before := count()
		store.once("PutDocument", "session", func() error {
			alice.post(t, server+"revokeAppPassword", object{"name": "app"}).decode(t, nil)
			if again {
				alice.newAppPassword(t, "app", false)
			}
			return nil
		})
		w.logIn(t, "alice.test", p.Password).refused(t, 401, "AuthenticationRequired", "")
		if n := count(); n != before {
			t.Errorf("there are %d sessions, and were %d", n, before)
		}
	}
}
