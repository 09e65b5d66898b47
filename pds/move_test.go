package pds_test

import (
	"testing"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/storage"
)

// TestMove takes an account from one server to another, as its owner's client does.
//
// Spec: https://atproto.com/guides/account-migration
func TestMove(t *testing.T) {
	m := newMove(t)
	_, seqFrom := m.from.since(t, 0)
	m.moveIn(t)
	if s := m.status(t); s != (moveStatus{}) {
		t.Errorf("at first: %+v", s)
	}
	m.importRepo(t, m.car(t)).decode(t, nil)
	missing := m.missing(t)
	if len(missing) != 2 {
		t.Errorf("missing are %q", missing)
	}
	if s := m.status(t); s != (moveStatus{IndexedRecords: 33, ExpectedBlobs: 2}) {
		t.Errorf("with the repo: %+v", s)
	}
	m.copyBlobs(t, missing)
	m.copyPreferences(t)
	if s := m.status(t); s != (moveStatus{IndexedRecords: 33, ExpectedBlobs: 2, ImportedBlobs: 2, PrivateStateValues: 2}) {
		t.Errorf("with all: %+v", s)
	}
	m.point(t)
	if s := m.status(t); !s.ValidDID || s.Activated {
		t.Errorf("with the identity: %+v", s)
	}
	if kinds, _ := m.to.since(t, 0); kinds != "" {
		t.Errorf("before it is activated, the new server has told of the account by %s", kinds)
	}
	m.activate(t).decode(t, nil)
	m.old.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)

	m.wantMoved(t)
	if kinds, _ := m.to.since(t, 0); kinds != "#account #identity #sync" {
		t.Errorf("the new server tells of it by %s", kinds)
	}
	if got := m.to.announced(t, 0); got != "active alice.new.test" {
		t.Errorf("the new server says that the account is %s", got)
	}
	if got := m.from.announced(t, seqFrom); got != "deactivated" {
		t.Errorf("the old server says that the account is %s", got)
	}
	m.from.get(t, "", "com.atproto.sync.getRepo", "did", m.old.did.String()).refused(t, 400, "RepoDeactivated", "")
	for _, c := range missing {
		if res := m.to.get(t, "", "com.atproto.sync.getBlob", "did", m.new.did.String(), "cid", c); res.status != 200 {
			t.Error(res)
		}
	}

	// Its owner goes on at the new server, and can't at the old one.
	var session struct {
		AccessJWT, Handle string
		Active            bool
	}
	m.to.post(t, "", "com.atproto.server.createSession", map[string]any{
		"identifier": "alice.new.test", "password": "alice-password",
	}).decode(t, &session)
	if session.Handle != "alice.new.test" || !session.Active {
		t.Errorf("the session says %+v", session)
	}
	m.new.access = session.AccessJWT
	if got := preferencesOf(t, m.new.get(t, getPreferences)); len(got) != 3 || got[0] != personalDetails || got[1] != savedFeeds {
		t.Errorf("preferences are %q", got)
	}
	m.new.create(t, "at the new server")
	m.old.post(t, "com.atproto.repo.createRecord", map[string]any{
		"repo": m.old.did, "collection": posts, "record": map[string]any{"text": "at the old server"},
	}).refused(t, 401, "AccountDeactivated", "")
	m.old.post(t, "com.atproto.server.activateAccount", nil).refused(t, 400, "InvalidRequest", "does not match")
}

// TestMoveFails lets each step of a move fail, after which it can be taken again: nobody hears of the account before its
// identity names the new server.
func TestMoveFails(t *testing.T) {
	m := newMove(t)
	m.moveIn(t)
	silent := func(when string) {
		t.Helper()
		if kinds, _ := m.to.since(t, 0); kinds != "" {
			t.Errorf("%s: the new server tells of the account by %s", when, kinds)
		}
		account, err := m.to.config.Store.Account(t.Context(), m.new.did)
		if err != nil || account.Status() != storage.StatusDeactivated {
			t.Errorf("%s: the account is %+v, %v", when, account, err)
		}
		m.to.get(t, "", "com.atproto.sync.getRepo", "did", m.new.did.String()).refused(t, 400, "RepoDeactivated", "")
	}
	m.activate(t).refused(t, 400, "InvalidRequest", "service endpoint does not match")
	silent("without a repo")

	car := m.car(t)
	m.importRepo(t, car[:len(car)/2]).refused(t, 400, "InvalidRequest", "")
	if s := m.status(t); s.IndexedRecords != 0 {
		t.Errorf("after half of the repo: %+v", s)
	}
	bob := m.from.signUp(t, "bob")
	m.importRepo(t, m.from.get(t, "", "com.atproto.sync.getRepo", "did", bob.did.String()).body).refused(t, 400, "InvalidRequest", "it is the repo of")
	m.importRepo(t, car).decode(t, nil)
	m.old.create(t, "meanwhile, at the old server")
	m.old.post(t, "com.atproto.repo.deleteRecord", map[string]any{"repo": m.old.did, "collection": posts, "rkey": "again"}).decode(t, nil)
	m.importRepo(t, m.car(t)).decode(t, nil)
	silent("with the repo")

	// The identity names the old server, then the new one with the old one's key, and then the new one.
	m.activate(t).refused(t, 400, "InvalidRequest", "service endpoint does not match")
	key := m.newKey(t)
	m.updateIdentity(t, identity.Change{SigningKey: key})
	m.activate(t).refused(t, 400, "InvalidRequest", "service endpoint does not match")
	old, err := m.from.config.Keys.Public(t.Context(), m.old.did.String())
	if err != nil {
		t.Fatal(err)
	}
	m.updateIdentity(t, identity.Change{PDS: m.to.url, SigningKey: old.DIDKey()})
	m.activate(t).refused(t, 400, "InvalidRequest", "expected signing key")
	m.point(t)
	m.plcDown.Store(true)
	m.activate(t).refused(t, 502, "UpstreamFailure", "Could not resolve DID")
	m.plcDown.Store(false)
	silent("while the directory can't be reached")

	// Blobs that are missing don't keep the account from being active, and may come later.
	m.activate(t).decode(t, nil)
	m.wantMoved(t)
	missing := m.missing(t)
	if len(missing) != 2 {
		t.Fatalf("missing are %q", missing)
	}
	for _, c := range missing {
		m.to.get(t, "", "com.atproto.sync.getBlob", "did", m.new.did.String(), "cid", c).refused(t, 400, "BlobNotFound", "")
	}
	m.copyBlobs(t, missing)
	if left := m.missing(t); len(left) != 0 {
		t.Errorf("still missing are %q", left)
	}
	for _, c := range missing {
		if res := m.to.get(t, "", "com.atproto.sync.getBlob", "did", m.new.did.String(), "cid", c); res.status != 200 {
			t.Error(res)
		}
	}
}

// TestMoveKeepsOffAddresses: whoever moves in doesn't take the address of a sign-up that has registered its identity.
func TestMoveKeepsOffAddresses(t *testing.T) {
	m := newMove(t)
	signUp := signUpInput("carol")
	signUp["handle"], signUp["email"] = "carol.new.test", "alice@example.com"
	m.plcDown.Store(true)
	m.to.post(t, "", server+"createAccount", signUp).refused(t, 502, "UpstreamFailure", "")
	m.plcDown.Store(false)

	input := signUpInput("alice")
	input["did"], input["handle"] = m.old.did, "alice.new.test"
	token := m.old.serviceToken(t, "did:web:new.example.com", "com.atproto.server.createAccount")
	m.to.post(t, token, server+"createAccount", input).refused(t, 400, "InvalidRequest", "Email already taken")
	m.to.post(t, "", server+"createAccount", signUp).decode(t, nil)
}
