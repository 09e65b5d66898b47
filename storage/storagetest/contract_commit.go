package storagetest

import (
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var commitSentences = []sentence{
	{"Repos.Commit", "one write", "Commit applies a commit, as one write: head, nodes, records, blob references and events.",
		testCommit},
	{"Repos.Commit", "nodes get the rev of the head", "Commit applies a commit", testCommitNodeRevs},
	{"Repos.Commit", "records that stay what they are", "Commit applies a commit", testCommitSame},
	{"Repos.Commit", "repos don't touch each other", "Commit applies a commit", testCommitOther},
	{"Repos.Commit", "the sequence number", "It returns the sequence number of the last event, or 0 without events.",
		testCommitSeq},
	{"Repos.Commit", "the first commit", "[ErrConflict] if the head isn't Prev", testCommitFirst},
	{"Repos.Commit", "a stale commit", "[ErrConflict] if the head isn't Prev", testCommitStale},
	{"Repos.Commit", "of commits with one Prev one succeeds",
		"Of several commits with the same Prev exactly one succeeds.", testCommitStale},
	{"Repos.Commit", "a missing blob", "[ErrNotFound] if a record refers to a blob that the account doesn't have or that " +
		"is about to be deleted, unless AllowMissingBlobs is set.", testCommitMissingBlob},
}

func testCommit(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"), put("a.b.c/2", "two"))
	upload(t, s, testBlob(did, "blob", 1))
	log := events(t, s)
	c, next := r.commit(put("a.b.c/1", "new"), del("a.b.c/2"), put("a.b.c/3", "three", blobOf("blob")), del("a.b.c/none"))
	c.Events = append(c.Events, testEvent(did, storage.EventSync, 8), testEvent(did, storage.EventAccount, 9))
	c.Events[0].Seq = 999 // to be ignored
	must(s.Commit(ctx, c))(t)
	wantRepo(t, s, next)
	want(t, "the log", kinds(events(t, s)), append(kinds(log), kinds(c.Events)...))
	want(t, "Referenced", must(s.Blob(ctx, did, blobOf("blob")))(t).Referenced, true)

	r = next
	for _, w := range [][]storage.RecordWrite{nil, {del("a.b.c/1"), del("a.b.c/3")}, {put("x.y.z/1", "again")}} {
		r = commit(t, s, r, w...)
		wantRepo(t, s, r)
	}
	ok(t, "Check", Check(ctx, s))
}

func testCommitNodeRevs(t *testing.T, s storage.Store) {
	r := create(t, s, 1)
	c, next := r.commit(put("a.b.c/1", "one"))
	for i := range c.NewNodes {
		c.NewNodes[i].Rev = testRev(999) // to be ignored
	}
	must(s.Commit(t.Context(), c))(t)
	wantRepo(t, s, next)
	wantRepo(t, s, commit(t, s, next, put("d.e.f/1", "two"))) // one node stays as it is
}

func testCommitSame(t *testing.T, s storage.Store) {
	var all []storage.RecordWrite
	for i := range 20 {
		all = append(all, put(fmt.Sprintf("a.b.c/%02d", i), fmt.Sprint(i)))
	}
	r := create(t, s, 1, all...)
	for _, writes := range [][]storage.RecordWrite{all[:1], all, {del("a.b.c/00"), put("a.b.c/01", "new")}, all} {
		r = commit(t, s, r, writes...)
		wantRepo(t, s, r)
	}
}

func testCommitOther(t *testing.T, s storage.Store) {
	// The same blocks and paths in two repos.
	first, second := create(t, s, 1, put("a.b.c/1", "one")), create(t, s, 2, put("a.b.c/1", "one"))
	next := commit(t, s, first, del("a.b.c/1"))
	wantRepo(t, s, next)
	wantRepo(t, s, second)
}

func testCommitSeq(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1)
	c, r := r.commit(put("a.b.c/1", "one"))
	c.Events = nil
	want(t, "the number without events", must(s.Commit(ctx, c))(t), 0)
	c, r = r.commit(put("a.b.c/2", "two"))
	c.Events = append(c.Events, testEvent(testDID(1), storage.EventSync, 8))
	seq := must(s.Commit(ctx, c))(t)
	log := events(t, s)
	want(t, "the number", seq, log[len(log)-1].Seq)
	wantRepo(t, s, r)
}

func testCommitFirst(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := create(t, s, 1, put("a.b.c/1", "one"))
	log := events(t, s)
	c, _ := emptyTree(testDID(1)).commit(put("a.b.c/2", "two"))
	_, err := s.Commit(ctx, c)
	fails(t, "Commit without Prev to a repo that is there", err, storage.ErrConflict)
	wantRepo(t, s, r)

	c, _ = emptyTree(testDID(2)).commit(put("a.b.c/2", "two"))
	c.Prev = blobOf("no commit")
	_, err = s.Commit(ctx, c)
	fails(t, "Commit with a Prev to no repo", err, storage.ErrConflict)
	wantNoRepo(t, s, testDID(2), c.Head.Commit, c.Head.Data)
	want(t, "the log", events(t, s), log)

	wantRepo(t, s, commit(t, s, emptyTree(testDID(2)), put("a.b.c/2", "two")))
}

func testCommitStale(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := create(t, s, 1, put("a.b.c/1", "one"))
	r := commit(t, s, old, put("a.b.c/1", "two"))
	log := events(t, s)
	for _, w := range []storage.RecordWrite{put("a.b.c/1", "stale"), put("a.b.c/2", "stale"), del("a.b.c/1")} {
		c, _ := old.commit(w)
		_, err := s.Commit(ctx, c)
		fails(t, "Commit", err, storage.ErrConflict)
		wantRepo(t, s, r)
	}
	want(t, "the log", events(t, s), log)
}

func testCommitMissingBlob(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2)
	upload(t, s, testBlob(testDID(2), "another account's", 9))
	upload(t, s, testBlob(did, "claimed", 1))
	want(t, "ClaimBlobs", claimed(t, s, at(2)), blobStrings("claimed"))
	for i, data := range []string{"none", "another account's", "claimed"} {
		c, next := r.commit(put("a.b.c/1", "one", blobOf(data)))
		_, err := s.Commit(ctx, c)
		fails(t, "Commit with blob "+data, err, storage.ErrNotFound)
		wantRepo(t, s, r)
		c.AllowMissingBlobs = true
		must(s.Commit(ctx, c))(t)
		wantRepo(t, s, next)
		r = next
		missing := all(t, "ListBlobs", s.ListBlobs(ctx, did, storage.BlobRange{Missing: true}))
		want(t, "missing blobs", missing, []storage.BlobRef{{CID: blobOf(data), Path: "a.b.c/1"}})
		want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{}), blobStrings(data))
		if i == 1 {
			want(t, "the other account's blob", must(s.Blob(ctx, testDID(2), blobOf(data)))(t).Referenced, false)
		}
	}
	c, _ := emptyTree(testDID(3)).commit(put("a.b.c/1", "one", cid.NewCidV1(cid.Raw, blobOf("none").Hash())))
	_, err := s.CreateAccount(ctx, storage.NewAccount{Account: storage.Account{DID: testDID(3)}, Commit: c})
	fails(t, "CreateAccount with a missing blob", err, storage.ErrNotFound)
	_, err = s.Account(ctx, testDID(3))
	fails(t, "Account", err, storage.ErrNotFound)
}
