package pds_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// TestDecisionHoldsUntilTheWrite: a write fails if its account is taken down or gets a new password
// after the request was admitted.
func TestDecisionHoldsUntilTheWrite(t *testing.T) {
	type deed struct {
		name, before string // the call of the store that the decision comes before
		do           func(t *testing.T, u *user) *response
	}
	deeds := []deed{
		{"a record", "Commit", func(t *testing.T, u *user) *response {
			return u.post(t, "com.atproto.repo.createRecord", object{
				"repo": u.did, "collection": "com.example.note", "record": object{"text": "late"},
			})
		}},
		{"an import", "Replace", func(t *testing.T, u *user) *response {
			car := u.get(t, "com.atproto.sync.getRepo", "did", u.did.String())
			return u.world.do(t, http.MethodPost, "/xrpc/com.atproto.repo.importRepo", u.access,
				"application/vnd.ipld.car", bytes.NewReader(car.body))
		}},
		{"a blob", "PutBlob", func(t *testing.T, u *user) *response {
			_, r := u.upload(t, "text/plain", []byte("late"))
			return r
		}},
		{"preferences", "PutDocument", func(t *testing.T, u *user) *response {
			return u.post(t, "app.bsky.actor.putPreferences", object{"preferences": []any{}})
		}},
	}
	decisions := map[string]func(*storage.Account){
		"takedown":     func(a *storage.Account) { a.TakedownRef, a.Epoch = "case 1", a.Epoch+1 },
		"new password": func(a *storage.Account) { a.Epoch, a.SessionEpoch = a.Epoch+1, a.SessionEpoch+1 },
	}
	for name, decide := range decisions {
		for _, d := range deeds {
			t.Run(d.name+" after a "+name, func(t *testing.T) {
				w, store := startMeddling(t)
				alice := w.signUp(t, "alice")
				_, seq := w.since(t, 0)
				store.once(d.before, "", func() error {
					_, err := store.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
						decide(a)
						return nil
					})
					return err
				})
				d.do(t, alice).refused(t, 503, "NotEnoughResources", "just been changed")
				if events, _ := w.since(t, seq); len(events) > 0 {
					t.Errorf("events after the decision: %v", events)
				}
				if n, _ := store.CountDocuments(t.Context(), storage.DocumentRange{Kind: storage.KindPreferences}); n > 0 {
					t.Error("there are preferences")
				}
			})
		}
	}
}

// TestRefusedUploadLeavesNothing: an upload's bytes are stored before its row. If the row is
// refused, because of a decision about the account or its deletion, the bytes are removed in time.
func TestRefusedUploadLeavesNothing(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		decide func(context.Context, *world, *user) error
		status int
		error  string
	}{
		"takedown": {func(ctx context.Context, w *world, u *user) error {
			_, err := w.config.Store.UpdateAccount(ctx, u.did, func(a *storage.Account) error {
				a.TakedownRef, a.Epoch = "case 1", a.Epoch+1
				return nil
			})
			return err
		}, 503, "NotEnoughResources"},
		"deletion": {func(ctx context.Context, w *world, u *user) error {
			return w.DeleteAccount(ctx, u.did)
		}, 403, "AccountNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &meddling{Store: memory.New()}
			w := start(t, withClock(&now), func(c *pds.Config) { c.Store = store })
			alice := w.signUp(t, "alice")
			store.once("PutBlob", "", func() error { return test.decide(t.Context(), w, alice) })
			_, r := alice.upload(t, "text/plain", []byte("late"))
			r.refused(t, test.status, test.error, "")
			now = now.Add(30 * 24 * time.Hour)
			w.Upkeep(t.Context())
			if _, err := w.config.Blobs.Open(t.Context(), blobID(t, alice, "late")); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("the bytes: %v", err)
			}
		})
	}
}

// TestHandleOfTakenDownAccount: an account that is taken down or deleted after the request for a
// new handle was admitted doesn't get it, and its identity stays as it is.
func TestHandleOfTakenDownAccount(t *testing.T) {
	for name, test := range map[string]struct {
		decide func(context.Context, *world, *user) error
		status int
		error  string
	}{
		"takedown": {func(ctx context.Context, w *world, u *user) error {
			_, err := w.config.Store.UpdateAccount(ctx, u.did, func(a *storage.Account) error {
				a.TakedownRef = "case 1"
				return nil
			})
			return err
		}, 401, "AccountTakedown"},
		"deletion": {func(ctx context.Context, w *world, u *user) error {
			return w.DeleteAccount(ctx, u.did)
		}, 403, "AccountNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			w, store := startMeddling(t)
			alice := w.signUp(t, "alice")
			document := func() string {
				res, err := http.Get(w.directory.URL + "/" + alice.did.String())
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Fatalf("%d %s %v", res.StatusCode, body, err)
				}
				return string(body)
			}
			before := document()
			store.once("PutDocument", "signup-handle", func() error { return test.decide(t.Context(), w, alice) })
			alice.post(t, "com.atproto.identity.updateHandle", object{"handle": "alice-new.test"}).
				refused(t, test.status, test.error, "")
			if after := document(); after != before {
				t.Errorf("the identity is now %s", after)
			}
		})
	}
}
