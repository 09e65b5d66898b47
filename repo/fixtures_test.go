package repo

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/repo/mst"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// wholeRepos are the repos of real accounts among indigo's test data. repo_slice.car isn't whole.
var wholeRepos = map[string]int64{ // to the version
	"bafyreieovfuizojpw3zresz7sx3nk4trm2by23pt5rxbey3jme4uo5ogiu.car": 2,
	"divy.repo":             2,
	"fakermaker.repo.car":   2,
	"greenground.repo.car":  3,
	"paul_staging.repo.car": 2,
}

// carFile is a CAR file of a repo as indigo reads it.
type carFile struct {
	bytes   []byte
	commit  *repo.Commit
	records map[string]storage.Block
}

func readCARFile(t testing.TB, b []byte) carFile {
	t.Helper()
	r, err := car.NewCarReader(bytes.NewReader(b))
	check(t, err)
	blocks := repo.NewTinyBlockstore()
	for {
		b, err := r.Next()
		if err != nil {
			break
		}
		check(t, blocks.Put(t.Context(), b))
	}
	block, err := blocks.Get(t.Context(), r.Header.Roots[0])
	check(t, err)
	f := carFile{bytes: b, commit: &repo.Commit{}, records: make(map[string]storage.Block)}
	check(t, f.commit.UnmarshalCBOR(bytes.NewReader(block.RawData())))
	tree, err := mst.LoadTreeFromStore(t.Context(), blocks, f.commit.Data)
	check(t, err)
	if tree.IsPartial() {
		t.Fatal("tree isn't whole")
	}
	check(t, tree.Walk(func(key []byte, c cid.Cid) error {
		b, err := blocks.Get(t.Context(), c)
		if err == nil {
			f.records[string(key)] = storage.Block{CID: c, Bytes: b.RawData()}
		}
		return err
	}))
	return f
}

func readFixture(t testing.TB, name string) carFile {
	t.Helper()
	b, err := os.ReadFile(indigoTestdata(name))
	check(t, err)
	return readCARFile(t, b)
}

func sameRecords(t testing.TB, want, got map[string]storage.Block) {
	t.Helper()
	equal := func(a, b storage.Block) bool { return a.CID == b.CID && bytes.Equal(a.Bytes, b.Bytes) }
	if !maps.EqualFunc(want, got, equal) {
		t.Errorf("records differ (-want +got):\n%s", cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))))
	}
}

func export(t testing.TB, e *Engine, did syntax.DID, since syntax.TID) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, e.Export(t.Context(), did, since, &b))
	return b.Bytes()
}

// TestImportFixtures takes real repos of the current version in and out, and refuses older ones.
func TestImportFixtures(t *testing.T) {
	for name, version := range wholeRepos {
		t.Run(name, func(t *testing.T) {
			f := readFixture(t, name)
			did := syntax.DID(f.commit.DID)
			store := memory.New()
			e := newEngine(t, store)
			first := createAccount(t, e, store, did)
			res, err := e.Import(t.Context(), did, bytes.NewReader(f.bytes), ImportOptions{})
			if version != 3 {
				if !errors.Is(err, ErrRepoVersion) {
					t.Errorf("error %v, want ErrRepoVersion", err)
				}
				return
			}
			check(t, err)
			check(t, e.Verify(t.Context(), did, signer().public(t)))
			out := readCARFile(t, export(t, e, did, ""))
			sameRecords(t, f.records, out.records)
			if out.commit.Data != f.commit.Data {
				t.Errorf("data %s, want %s", out.commit.Data, f.commit.Data)
			}
			if res.Rev <= first.Head.Rev || string(res.Rev) <= f.commit.Rev || out.commit.Rev != string(res.Rev) {
				t.Errorf("rev %s, should be above %s and %s", res.Rev, first.Head.Rev, f.commit.Rev)
			}
		})
	}
}

// TestApplyFixtures writes the records of real repos, in random order, and comes to the tree that their owners signed.
func TestApplyFixtures(t *testing.T) {
	for name := range wholeRepos {
		t.Run(name, func(t *testing.T) {
			r := newRand(t)
			f := readFixture(t, name)
			e, store := newRepo(t)
			paths := slices.Sorted(maps.Keys(f.records))
			r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			for len(paths) > 0 {
				n := min(1+r.IntN(30), len(paths))
				var ops []Op
				for _, p := range paths[:n] {
					ops = append(ops, Op{Action: Create, Path: p, Value: f.records[p].Bytes})
				}
				paths = paths[n:]
				_, err := e.Apply(t.Context(), alice, Batch{Ops: ops})
				check(t, err)
			}
			head, err := store.Head(t.Context(), alice)
			check(t, err)
			if head.Data != f.commit.Data {
				t.Errorf("data %s, want %s", head.Data, f.commit.Data)
			}
			check(t, e.Verify(t.Context(), alice, nil))
		})
	}
}
