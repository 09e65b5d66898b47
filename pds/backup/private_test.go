package backup

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// TestTakedowns: the takedowns of records and blobs are kept, also of a blob that no record refers to any more, and so are
// preferences. One that was lifted is gone.
func TestTakedowns(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
	ctx := t.Context()
	for _, rkey := range []string{"one", "two", "three"} {
		alice.put(t, rkey, object{"text": rkey})
		bob.put(t, rkey, object{"text": rkey})
	}
	used, unused := alice.attach(t, "used", "a bad picture"), alice.attach(t, "unused", "another bad picture")
	lifted := alice.attach(t, "lifted", "not so bad a picture")
	alice.delete(t, "unused")
	for path, ref := range map[string]string{"one": "case 1", "two": "case 2"} {
		check(t, w.store.SetTakedown(ctx, storage.Takedown{DID: alice.did, Path: post + "/" + path, Ref: ref}))
	}
	for _, c := range []cid.Cid{used, unused, lifted} {
		check(t, w.store.SetTakedown(ctx, storage.Takedown{DID: alice.did, Blob: c, Ref: "case of " + c.String()}))
	}
	preferences := storage.NewDocument{Document: storage.Document{
		Kind: storage.KindPreferences, ID: alice.did.String(), Owner: alice.did, Value: []byte(`[{"$type":"a"}]`),
	}}
	check(t, w.store.PutDocument(ctx, preferences))
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(ctx))
	intact(t, to)
	w.same(t, restore(t, to), false)

	check(t, w.store.SetTakedown(ctx, storage.Takedown{DID: alice.did, Path: post + "/two", Ref: ""}))
	check(t, w.store.SetTakedown(ctx, storage.Takedown{DID: alice.did, Blob: lifted}))
	before := preferences.Document
	preferences.Value = []byte(`[]`)
	check(t, w.store.SwapDocument(ctx, before, preferences))
	check(t, w.mirror(t, w.local(), to).Sync(ctx))
	got := restore(t, to)
	w.same(t, got, false)

	// What is taken down stays so on a server that was restored.
	w2 := *w
	w2.store, w2.blobs = got.store, got.blobs
	restarted := w2.restart(t)
	in := strings.NewReader("another bad picture")
	if err := restarted.do(ctx, alice.access, "com.atproto.repo.uploadBlob", "text/plain", in, nil); err == nil {
		t.Error("a blob that is taken down can be uploaded anew")
	}

	// A record that is deleted after the private part was read has no takedown to restore.
	check(t, w.store.SetTakedown(ctx, storage.Takedown{DID: bob.did, Path: post + "/one", Ref: "case 3"}))
	check(t, w.mirror(t, w.local(), to).Sync(ctx))
	bob.delete(t, "one")
	m := w.mirror(t, struct{ Source }{w.local()}, to) // the public parts alone
	check(t, m.Sync(ctx))
	w.same(t, restore(t, to), false)
}

// TestEarlierPrivate: what an earlier version wrote of an account has no epochs, and app passwords
// expire in the year 9999. They are restored as what never expires.
func TestEarlierPrivate(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	check(t, putDocument(t.Context(), to, privateObject(alice.did), map[string]any{
		"did": alice.did, "handle": "alice.test", "createdAt": farFuture,
		"tokens": []object{{"kind": "app", "id": "hashed", "value": []byte("v"), "issuedAt": farFuture,
			"expiresAt": "9999-12-31T00:00:00Z"}},
	}))
	got := restore(t, to)
	want := storage.Document{Kind: "app", ID: "hashed", Owner: alice.did, Value: []byte("v"), IssuedAt: farFuture}
	found, err := got.store.Document(t.Context(), "app", "hashed")
	if err != nil || fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("the app password is %v, %v, want %v", found, err, want)
	}
	if a, err := got.store.Account(t.Context(), alice.did); err != nil || a.Epoch != 0 || a.SessionEpoch != 0 {
		t.Errorf("the account is %+v, %v", a, err)
	}
}

// TestForgedPrivate: a private part that is another account's, or that can't be worked with, is found.
func TestForgedPrivate(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	for _, p := range []Private{
		{DID: "did:plc:another"},
		{DID: alice.did, BlobTakedowns: []BlobTakedown{{CID: "no CID", Ref: "x"}}},
	} {
		check(t, putDocument(t.Context(), to, privateObject(alice.did), p))
		if found := damages(t, to); len(found) != 1 || found[0].Name != privateObject(alice.did) {
			t.Errorf("%+v: Check finds %v", p, found)
		}
	}
}
