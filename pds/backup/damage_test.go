package backup

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// objects returns the names of all objects.
func (d *Dir) objects(t testing.TB) (names []string) {
	t.Helper()
	err := filepath.WalkDir(d.path, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.Contains(path, asideFolder) {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(path, d.path+string(filepath.Separator))))
		}
		return err
	})
	check(t, err)
	slices.Sort(names)
	return names
}

// damages returns what Check finds.
func damages(t testing.TB, b Bucket) (all []*Damage) {
	t.Helper()
	sum, err := Check(t.Context(), CheckConfig{From: b, SpillDir: t.TempDir(), Damaged: func(d *Damage) { all = append(all, d) }})
	check(t, err)
	if sum.Damages != int64(len(all)) {
		t.Errorf("%d damages are counted, and %d told of", sum.Damages, len(all))
	}
	return all
}

// TestEveryObject flips a bit of each object, cuts it off, and removes it: Check names it, and Restore leaves out the account
// that it belongs to, and no other.
func TestEveryObject(t *testing.T) {
	h := newHistory(t)
	pristine := newDir(t)
	check(t, h.mirror(t, h.local(), pristine).Sync(t.Context()))
	h.alice.put(t, "increment", object{"text": "increment"})
	check(t, h.mirror(t, h.local(), pristine).Sync(t.Context()))
	r := rand.New(rand.NewPCG(7, 7))
	names := pristine.objects(t)
	if len(names) < 10 {
		t.Fatalf("just %q", names)
	}
	for _, name := range names {
		for _, how := range []string{"flipped", "cut off", "removed"} {
			d := &Dir{t.TempDir()}
			check(t, os.CopyFS(d.path, os.DirFS(pristine.path)))
			path := filepath.Join(d.path, name)
			b, err := os.ReadFile(path)
			check(t, err)
			switch how {
			case "flipped":
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
				check(t, os.WriteFile(path, b, 0o600))
			case "cut off":
				check(t, os.WriteFile(path, b[:len(b)-1-r.IntN(len(b)/2)], 0o600))
			case "removed":
				check(t, os.Remove(path))
			}
			found := damages(t, d)
			if how == "removed" && (strings.HasPrefix(name, privatePrefix) || name == serverName) {
				continue // as in the mirror of a server elsewhere
			}
			named := func(d *Damage) bool { return d.Name == name || how == "removed" && d.Name == accountsPrefix }
			if len(found) == 0 || !slices.ContainsFunc(found, named) {
				t.Errorf("%s, %s: Check finds %v", name, how, found)
			}
			h.restoreDamaged(t, d, name)
		}
	}
}

// restoreDamaged restores a mirror in which one object is damaged.
func (h *history) restoreDamaged(t *testing.T, from *Dir, name string) {
	t.Helper()
	store := memory.New()
	done, err := Restore(t.Context(), RestoreConfig{From: from, Store: store, Blobs: memory.NewBlobs(), SpillDir: t.TempDir()})
	if name == stateName {
		if err == nil {
			t.Errorf("%s damaged: it is restored without knowing the sequence number", name)
		}
		return
	}
	check(t, err)
	if done.Checked.Damages == 0 {
		t.Errorf("%s damaged: Restore finds nothing", name)
	}
	want := []syntax.DID{h.alice.did, h.bob.did}
	want = slices.DeleteFunc(want, func(did syntax.DID) bool { return strings.Contains(name, string(did)) })
	slices.Sort(want)
	var got []syntax.DID
	for a, err := range store.ListAccounts(t.Context(), 0, 10) {
		check(t, err)
		got = append(got, a.DID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || done.Accounts != int64(len(want)) {
		t.Errorf("%s damaged: %v are restored, want %v", name, got, want)
	}
}

// TestDamageHeals: a damaged segment that a later run comes by is replaced by what the source has.
func TestDamageHeals(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	sync := func() {
		t.Helper()
		check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	}
	sync()
	for i := range 3 {
		h.alice.put(t, "increment", object{"text": strings.Repeat("x", 1000>>i)})
		sync()
	}
	for _, name := range to.objects(t) {
		if strings.HasPrefix(name, repoFolder(h.alice.did)) {
			path := filepath.Join(to.path, name)
			b, err := os.ReadFile(path)
			check(t, err)
			b[len(b)/2] ^= 1
			check(t, os.WriteFile(path, b, 0o600))
		}
	}
	if len(damages(t, to)) == 0 {
		t.Fatal("nothing is damaged")
	}
	h.alice.put(t, "increment", object{"text": strings.Repeat("x", 5000)}) // large enough for a merge
	sync()
	intact(t, to)
	h.same(t, restore(t, to), false)

	check(t, os.WriteFile(filepath.Join(to.path, accountObject(h.bob.did)), []byte("nonsense"), 0o600))
	h.bob.put(t, "two", object{"text": "two"})
	sync()
	intact(t, to)
	h.same(t, restore(t, to), false)
}

// TestDamageStopsNothing: what can't be read of one account keeps a run from no other.
func TestDamageStopsNothing(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	sync := func() {
		t.Helper()
		check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	}
	sync()
	spoil := func(name string) {
		t.Helper()
		check(t, to.Put(t.Context(), name, strings.NewReader("nonsense")))
	}
	spoil(staleObject(h.alice.did))
	spoil(staleObject("did:web:unknown.example"))
	sync()
	intact(t, to)
	for name, err := range to.List(t.Context(), stalePrefix) {
		t.Errorf("%s is left, %v", name, err)
	}

	h.bob.remove(t)
	sync()
	spoil(accountObject(h.bob.did))
	s, err := loadState(t.Context(), to)
	check(t, err)
	s.Listing = true
	check(t, putDocument(t.Context(), to, stateName, s))
	h.alice.put(t, "later", object{"text": "later"})
	sync()
	if got := damages(t, to); len(got) != 1 {
		t.Errorf("damaged is %v", got)
	}
}

// TestForgedManifest: a manifest under a valid checksum that says something else than the segments is found out.
func TestForgedManifest(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	bob, err := loadManifest(t.Context(), to, h.bob.did)
	check(t, err)
	for name, forge := range map[string]func(*manifest){
		"an older commit":   func(m *manifest) { m.Commit = bob.Commit },
		"another's key":     func(m *manifest) { m.Key = bob.Key },
		"another's segment": func(m *manifest) { m.Segments = bob.Segments },
		"another's name":    func(m *manifest) { m.DID = bob.DID },
		"no commit":         func(m *manifest) { m.Commit = "" },
		"no key":            func(m *manifest) { m.Key = "nonsense" },
	} {
		man, err := loadManifest(t.Context(), to, h.alice.did)
		check(t, err)
		forged := man
		forge(&forged)
		check(t, putDocument(t.Context(), to, accountObject(h.alice.did), forged))
		if len(damages(t, to)) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
		check(t, putDocument(t.Context(), to, accountObject(h.alice.did), man))
	}
	intact(t, to)
}

func TestRestoreRefuses(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	store, blobs := memory.New(), memory.NewBlobs()
	c := RestoreConfig{From: to, Store: store, Blobs: blobs, SpillDir: t.TempDir()}
	if _, err := Restore(t.Context(), c); err == nil {
		t.Error("a restore from nothing")
	}
	check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	c.Store = h.store
	h.alice.put(t, "newer", object{"text": "newer"})
	if _, err := Restore(t.Context(), c); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a restore over what is newer: %v", err)
	}
	// An earlier try that was cut short is finished.
	check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	c.Store = store
	for range 2 {
		_, err := Restore(t.Context(), c)
		check(t, err)
	}
	h.same(t, restored{store: store, blobs: blobs}, false)
}

// unreplaceable is a store that replaces no repo.
type unreplaceable struct{ storage.Store }

func (unreplaceable) Replace(context.Context, storage.Commit, iter.Seq2[storage.Row, error]) (int64, error) {
	return 0, storage.ErrConflict
}

// An account that was there before a restore that fails is there after it, and one that wasn't isn't.
func TestFailedRestoreDeletesNothing(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	c := RestoreConfig{From: to, Store: unreplaceable{memory.New()}, Blobs: memory.NewBlobs(), SpillDir: t.TempDir()}
	if _, err := Restore(t.Context(), c); !errors.Is(err, storage.ErrConflict) {
		t.Fatalf("%v", err)
	}
	for a := range c.Store.ListAccounts(t.Context(), 0, 10) {
		t.Errorf("%s is left half restored", a.DID)
	}
	whole := restore(t, to)
	c.Store, c.Blobs = unreplaceable{whole.store}, whole.blobs
	if _, err := Restore(t.Context(), c); !errors.Is(err, storage.ErrConflict) {
		t.Fatalf("%v", err)
	}
	h.same(t, whole, false)
}

// A mirror whose first run was cut short isn't whole, and says so.
func TestUnfinishedListing(t *testing.T) {
	h := newHistory(t)
	to := newDir(t)
	check(t, h.mirror(t, h.local(), to).Sync(t.Context()))
	s, err := loadState(t.Context(), to)
	check(t, err)
	s.Listing = true
	check(t, putDocument(t.Context(), to, stateName, s))
	if found := damages(t, to); len(found) != 1 || found[0].Name != stateName {
		t.Errorf("Check finds %v", found)
	}
	done, err := Restore(t.Context(), RestoreConfig{
		From: to, Store: memory.New(), Blobs: memory.NewBlobs(), SpillDir: t.TempDir(),
	})
	if err != nil || done.Checked.Damages != 1 || done.Accounts != 2 {
		t.Errorf("Restore finds %d damages and restores %d accounts, %v", done.Checked.Damages, done.Accounts, err)
	}
}

func TestDocument(t *testing.T) {
	data, err := encodeDocument(map[string]string{"a": "b"})
	check(t, err)
	var got map[string]string
	check(t, decodeDocument(data, &got))
	if got["a"] != "b" {
		t.Errorf("%v", got)
	}
	for _, bad := range [][]byte{nil, data[:10], data[:documentHead], bytes.ToUpper(data), append(bytes.Clone(data), ' ')} {
		if err := decodeDocument(bad, &got); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
