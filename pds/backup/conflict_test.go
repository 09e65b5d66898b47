package backup

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// The mirror has the private parts of accounts of different moments: what one has given up and another has taken since may
// be in both. That keeps nobody from being restored.
func TestTakenTwice(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.signUp(t, "alice"), w.signUp(t, "bob"), w.signUp(t, "carol")
	to := newDir(t)
	m := w.mirror(t, w.local(), to)
	check(t, m.Sync(t.Context()))
	for _, change := range []struct {
		of            *user
		handle, email string
	}{{alice, "alicia.test", "alicia@example.com"}, {bob, "alice.test", "alice@example.com"}} {
		_, err := w.store.UpdateAccount(t.Context(), change.of.did, func(a *storage.Account) error {
			a.Handle, a.Email = syntax.Handle(change.handle), change.email
			return nil
		})
		check(t, err)
	}
	check(t, m.savePrivate(t.Context(), bob.did)) // and the source is gone

	out := restored{store: memory.New(), blobs: memory.NewBlobs()}
	var damaged []string
	var err error
	out.Restored, err = Restore(t.Context(), RestoreConfig{
		From: to, Store: out.store, Blobs: out.blobs, SpillDir: t.TempDir(),
		Damaged: func(d *Damage) { damaged = append(damaged, d.Error()) },
	})
	check(t, err)
	if out.Accounts != 3 || len(damaged) != 2 {
		t.Errorf("%d accounts are restored, and damaged is %q", out.Accounts, damaged)
	}
	for _, u := range []*user{alice, bob, carol} {
		if _, err := out.store.Head(t.Context(), u.did); err != nil {
			t.Errorf("%s: %v", u.name, err)
		}
	}
	for _, find := range []func() (storage.Account, error){
		func() (storage.Account, error) { return out.store.AccountByHandle(t.Context(), "alice.test") },
		func() (storage.Account, error) { return out.store.AccountByEmail(t.Context(), "alice@example.com") },
	} {
		if a, err := find(); err != nil || a.DID != alice.did && a.DID != bob.did {
			t.Errorf("%s, %v", a.DID, err)
		}
	}
}
