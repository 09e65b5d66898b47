package pds_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// sharedStores are those that two servers of one process share in the tests.
var sharedStores = map[string]func(testing.TB) storage.Store{
	"memory": func(testing.TB) storage.Store { return memory.New() },
	"sqlite": func(t testing.TB) storage.Store {
		return openSQLite(t, filepath.Join(t.TempDir(), "pds.sqlite"), sqlite.Options{Create: true})
	},
}

func openSQLite(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// sharedWrite is a write, and the events that tell of it.
type sharedWrite struct {
	name string
	do   func(t *testing.T, from *world, alice *user)
	want []string
}

const thing = "com.example.thing"

var sharedWrites = []sharedWrite{
	{"createRecord", func(t *testing.T, from *world, alice *user) {
		alice.post(t, "com.atproto.repo.createRecord", object{
			"repo": alice.did, "collection": thing, "rkey": "a", "record": object{"text": "by a client"},
		}).decode(t, nil)
	}, []string{"create com.example.thing/a by a client"}},
	{"Repo.Put", func(t *testing.T, from *world, alice *user) {
		_, _, err := from.Repo(alice.did).Put(t.Context(), thing, "a", object{"text": "by the program"})
		noError(t, err)
	}, []string{"update com.example.thing/a by the program"}},
	{"Repo.Delete", func(t *testing.T, from *world, alice *user) {
		noError(t, from.Repo(alice.did).Delete(t.Context(), thing, "a"))
	}, []string{"delete com.example.thing/a -"}},
	{"updateHandle", func(t *testing.T, _ *world, alice *user) {
		alice.post(t, "com.atproto.identity.updateHandle", object{"handle": "carol.test"}).decode(t, nil)
	}, []string{"identity carol.test"}},
	{"updateHandle back", func(t *testing.T, _ *world, alice *user) {
		alice.post(t, "com.atproto.identity.updateHandle", object{"handle": "alice.test"}).decode(t, nil)
	}, []string{"identity alice.test"}},
	{"deactivateAccount", func(t *testing.T, _ *world, alice *user) {
		alice.post(t, server+"deactivateAccount", object{}).decode(t, nil)
	}, []string{`account false "deactivated"`}},
	{"activateAccount", func(t *testing.T, _ *world, alice *user) {
		alice.post(t, server+"activateAccount", nil).decode(t, nil)
	}, []string{`account true ""`, "identity alice.test", "sync"}},
	{"a takedown", func(t *testing.T, from *world, alice *user) {
		from.takedown(t, object{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}, true)
	}, []string{`account false "takendown"`}},
	{"its end", func(t *testing.T, from *world, alice *user) {
		from.takedown(t, object{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}, false)
	}, []string{`account true ""`, "identity alice.test", "sync"}},
	{"importRepo", func(t *testing.T, _ *world, alice *user) { alice.reimport(t) }, []string{"sync"}},
	{"createAccount", func(t *testing.T, from *world, _ *user) { from.signUp(t, "bob") },
		[]string{"identity bob.test", `account true ""`, "sync"}}, // and a commit without operations
	{"DeleteAccount", func(t *testing.T, from *world, _ *user) {
		bob, err := from.config.Store.AccountByHandle(t.Context(), "bob.test")
		noError(t, err)
		noError(t, from.DeleteAccount(t.Context(), bob.DID))
	}, []string{`account false "deleted"`}},
	{"the store's UpdateAccount", func(t *testing.T, from *world, alice *user) {
		e, err := firehose.AccountEvent(alice.did, storage.StatusActive, time.Now())
		noError(t, err)
		_, err = from.config.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
			a.EmailConfirmedAt = time.Now()
			return nil
		}, e)
		noError(t, err)
	}, []string{`account true ""`}},
	{"the store's AppendEvents", func(t *testing.T, from *world, alice *user) {
		e, err := firehose.IdentityEvent(alice.did, "alice.test", time.Now())
		noError(t, err)
		_, err = from.config.Store.AppendEvents(t.Context(), e, e)
		noError(t, err)
	}, []string{"identity alice.test", "identity alice.test"}},
}

// Of two servers on one store each hears what the other writes, and both hear what the program
// writes to the store.
func TestSharedStore(t *testing.T) {
	for name, open := range sharedStores {
		t.Run(name, func(t *testing.T) {
			one := start(t, func(c *pds.Config) { c.Store = open(t) })
			two := one.beside(t)
			alice := one.signUp(t, "alice")
			last, err := one.config.Store.LastSeq(t.Context())
			noError(t, err)
			ears, stopBackup := listenEverywhere(t, one, two, last)
			for writer, from := range map[string]*world{"one": one, "two": two} {
				alice := from.login(t, alice)
				for _, w := range sharedWrites {
					w.do(t, from, alice)
					heardEverywhere(t, ears, fmt.Sprintf("%s by %s", w.name, writer), w.want)
				}
			}
			stopBackup(t)
			for i, w := range []*world{one, two} {
				if err := w.Repo(alice.did).Verify(t.Context()); err != nil {
					t.Errorf("server %d: %v", i+1, err)
				}
			}
		})
	}
}

// heardEverywhere fails the test unless each ear's next events are those of a write.
func heardEverywhere(t *testing.T, ears map[string]ear, write string, want []string) {
	t.Helper()
	for at, hear := range ears {
		var got []string
		for len(got) < len(want) {
			got = append(got, describe(t, hear(t))...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s is heard %s as (-want +got):\n%s", write, at, cmp.Diff(want, got))
		}
	}
}

// listenEverywhere opens one ear of each kind at both servers, and a backup of the second one,
// which is to be stopped.
func listenEverywhere(
	t *testing.T, one, two *world, after int64,
) (ears map[string]ear, stopBackup func(*testing.T)) {
	t.Helper()
	ears = make(map[string]ear)
	for name, w := range map[string]*world{"one": one, "two": two} {
		ears[fmt.Sprintf("by Events of %s", name)] = w.earByEvents(t, after)
		ears[fmt.Sprintf("by subscribeRepos of %s", name)] = w.earBySubscription(t, after)
	}
	ears["by a backup of two"], stopBackup = two.earByBackup(t)
	return ears, stopBackup
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
