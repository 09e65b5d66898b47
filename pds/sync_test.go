package pds_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/ipfs/go-cid"
)

// blocks reads a CAR: the string of its header, which names the root, and its blocks. Upstream's reader refuses those
// without a root, which getBlocks has to give.
func blocks(t testing.TB, raw []byte) (header string, cids map[string][]byte) {
	t.Helper()
	cids = map[string][]byte{}
	for first := true; len(raw) > 0; first = false {
		n, size := binary.Uvarint(raw)
		if size <= 0 || n > uint64(len(raw)-size) {
			t.Fatalf("not a CAR: %q", raw)
		}
		section := raw[size : size+int(n)]
		raw = raw[size+int(n):]
		if first {
			header = string(section)
			continue
		}
		length, c, err := cid.CidFromBytes(section)
		if err != nil {
			t.Fatal(err)
		}
		cids[c.String()] = section[length:]
	}
	return header, cids
}

func TestSync(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	did := alice.did.String()
	first := alice.create(t, "one")
	second := alice.create(t, "two")

	whole := w.get(t, "", "com.atproto.sync.getRepo", "did", did)
	if got := whole.header.Get("Content-Type"); got != "application/vnd.ipld.car" {
		t.Errorf("getRepo has type %s", got)
	}
	commit, r, err := repo.LoadRepoFromCAR(t.Context(), bytes.NewReader(whole.body))
	if err != nil {
		t.Fatal(err)
	}
	if commit.DID != did || commit.Rev != second.Commit.Rev {
		t.Errorf("getRepo has commit %+v", commit)
	}
	for _, post := range []written{first, second} {
		key := post.URI[strings.Index(post.URI, posts):]
		if c, err := r.MST.Get([]byte(key)); err != nil || c == nil || c.String() != post.CID {
			t.Errorf("%s is %v in the exported tree: %v", key, c, err)
		}
	}
	if checkout := w.get(t, "", "com.atproto.sync.getCheckout", "did", did); !bytes.Equal(checkout.body, whole.body) {
		t.Error("getCheckout differs from getRepo")
	}
	_, all := blocks(t, whole.body)
	_, newer := blocks(t, w.get(t, "", "com.atproto.sync.getRepo", "did", did, "since", first.Commit.Rev).body)
	if newer[first.CID] != nil || newer[second.CID] == nil || len(newer) >= len(all) {
		t.Errorf("getRepo since has %d of %d blocks", len(newer), len(all))
	}

	rkey := first.URI[strings.LastIndex(first.URI, "/")+1:]
	header, proof := blocks(t, w.get(t, "", "com.atproto.sync.getRecord", "did", did, "collection", posts, "rkey", rkey).body)
	root, err := cid.Decode(second.Commit.CID)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(header, string(root.Bytes())) || proof[first.CID] == nil || proof[second.Commit.CID] == nil {
		t.Errorf("getRecord has header %q and %d blocks", header, len(proof))
	}
	_, absence := blocks(t, w.get(t, "", "com.atproto.sync.getRecord", "did", did, "collection", posts, "rkey", "none").body)
	if absence[second.Commit.CID] == nil || len(absence) < 2 {
		t.Errorf("the proof of absence has %d blocks", len(absence))
	}
	_, some := blocks(t, w.get(t, "", "com.atproto.sync.getBlocks", "did", did, "cids", first.CID, "cids", second.Commit.CID).body)
	if len(some) != 2 || some[first.CID] == nil {
		t.Errorf("getBlocks has %d blocks", len(some))
	}
	w.get(t, "", "com.atproto.sync.getBlocks", "did", did, "cids", first.CID, "cids",
		"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a").refused(t, 400, "BlockNotFound", "")

	var latest struct{ CID, Rev string }
	w.get(t, "", "com.atproto.sync.getLatestCommit", "did", did).decode(t, &latest)
	if latest.CID != second.Commit.CID || latest.Rev != second.Commit.Rev {
		t.Errorf("getLatestCommit: %+v", latest)
	}
	var head struct{ Root string }
	w.get(t, "", "com.atproto.sync.getHead", "did", did).decode(t, &head)
	if head.Root != latest.CID {
		t.Errorf("getHead: %+v", head)
	}
	var status struct {
		Active bool
		Rev    string
	}
	w.get(t, "", "com.atproto.sync.getRepoStatus", "did", did).decode(t, &status)
	if !status.Active || status.Rev != latest.Rev {
		t.Errorf("getRepoStatus: %+v", status)
	}
}

func TestSyncRefusals(t *testing.T) {
	w := start(t)
	const nobody = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"
	for _, method := range []string{"getRepo", "getCheckout", "getLatestCommit", "getHead", "getRepoStatus", "listBlobs"} {
		w.get(t, "", "com.atproto.sync."+method, "did", nobody).refused(t, 400, "RepoNotFound", "")
		w.get(t, "", "com.atproto.sync."+method, "did", "x").refused(t, 400, "InvalidRequest", "did")
	}
	w.get(t, "", "com.atproto.sync.getRepo", "did", nobody, "since", "x").refused(t, 400, "InvalidRequest", "since")
	w.get(t, "", "com.atproto.sync.listRepos", "cursor", "x").refused(t, 400, "InvalidRequest", "cursor")
	w.get(t, "nonsense", "com.atproto.sync.getRepo", "did", nobody).refused(t, 400, "InvalidToken", "")
}

func TestListRepos(t *testing.T) {
	w := start(t)
	var want []string
	for i := range 5 {
		want = append(want, w.signUp(t, fmt.Sprint("user", i)).did.String())
	}
	var got []string
	for cursor := ""; ; {
		var page struct {
			Repos []struct {
				DID, Head, Rev string
				Active         bool
			}
			Cursor string
		}
		w.get(t, "", "com.atproto.sync.listRepos", "limit", "2", "cursor", cursor).decode(t, &page)
		for _, r := range page.Repos {
			got = append(got, r.DID)
			if r.Head == "" || r.Rev == "" || !r.Active {
				t.Errorf("listRepos has %+v", r)
			}
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A repo that is exported from one account's server is imported into another's, under the same DID's rules: it has to be
// the account's own.
func TestImport(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	post := alice.create(t, "one")
	exported := w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).body
	alice.create(t, "gone after the import")

	send := func(u *user, car []byte) *response {
		return w.do(t, "POST", "/xrpc/com.atproto.repo.importRepo", u.access, "application/vnd.ipld.car", bytes.NewReader(car))
	}
	send(bob, exported).refused(t, 400, "InvalidRequest", "")
	send(alice, exported[:len(exported)-5]).refused(t, 400, "InvalidRequest", "")
	send(alice, []byte("nonsense")).refused(t, 400, "InvalidRequest", "")
	send(alice, nil).refused(t, 400, "InvalidRequest", "body is expected")
	damaged := bytes.Clone(exported)
	damaged[len(damaged)-1] ^= 1
	send(alice, damaged).refused(t, 400, "InvalidRequest", "")

	send(alice, exported).decode(t, nil)
	var list struct{ Records []struct{ URI, CID string } }
	w.get(t, "", "com.atproto.repo.listRecords", "repo", alice.did.String(), "collection", posts).decode(t, &list)
	if len(list.Records) != 1 || list.Records[0].CID != post.CID {
		t.Errorf("after the import: %+v", list)
	}
	if err := w.Repo(alice.did).Verify(t.Context()); err != nil {
		t.Error(err)
	}
	var missing struct{ Blobs []any }
	alice.get(t, "com.atproto.repo.listMissingBlobs").decode(t, &missing)
	if len(missing.Blobs) != 0 {
		t.Errorf("listMissingBlobs: %v", missing)
	}
}
