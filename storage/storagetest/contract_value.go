package storagetest

import (
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

func testTimes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	zone := time.FixedZone("somewhere", 3600)
	moment := at(7).In(zone)
	a, _ := newAccount(1)
	a.Account.CreatedAt, a.Account.EmailConfirmedAt = moment, time.Time{}.In(zone)
	must(s.CreateAccount(ctx, a))(t)
	got := must(s.Account(ctx, testDID(1)))(t)
	want(t, "CreatedAt", got.CreatedAt, at(7))
	for what, zero := range map[string]time.Time{
		"EmailConfirmedAt": got.EmailConfirmedAt, "DeactivatedAt": got.DeactivatedAt, "DeleteAfter": got.DeleteAfter,
	} {
		if zero != (time.Time{}) {
			t.Errorf("%s is %#v, want the zero time", what, zero)
		}
	}

	document := testDocument("kind", "id", testDID(1), 9)
	document.IssuedAt, document.ExpiresAt = moment, moment.Add(time.Millisecond)
	store(t, s, document)
	document = must(s.Document(ctx, "kind", "id"))(t)
	want(t, "IssuedAt", document.IssuedAt, at(7))
	want(t, "ExpiresAt", document.ExpiresAt, at(8))

	e := testEvent(testDID(1), storage.EventAccount, 1)
	e.Time = moment
	seq := must(s.AppendEvents(ctx, e))(t)
	want(t, "the event's Time", all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{After: seq - 1, Limit: 1}))[0].Time, at(7))

	b := testBlob(testDID(1), "blob", 0)
	b.CreatedAt = moment
	upload(t, s, b)
	want(t, "the blob's CreatedAt", must(s.Blob(ctx, testDID(1), b.CID))(t).CreatedAt, at(7))
}

// testNoClock works with times long past and far ahead, which a backend that looks at the clock would take as due.
func testNoClock(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	for i, year := range []int{1971, 2300} {
		when := time.Date(year, time.May, 6, 7, 8, 9, 10_000_000, time.UTC)
		document := storage.Document{Kind: "kind", ID: when.String(), Owner: did, IssuedAt: when, ExpiresAt: when.Add(1e9)}
		store(t, s, document)
		want(t, "Document", must(s.Document(ctx, document.Kind, document.ID))(t), document)
		fails(t, "PutDocument again", s.PutDocument(ctx, fresh(document)), storage.ErrExists)
		want(t, "ListDocuments", len(all(t, "ListDocuments", s.ListDocuments(ctx, storage.DocumentRange{Kind: "kind", Owner: did}))), i+1)

		e := testEvent(did, storage.EventAccount, i)
		e.Time = when
		must(s.AppendEvents(ctx, e))(t)
		want(t, "the event's Time", events(t, s)[i].Time, when)
	}
}

func testOpaque(t *testing.T, s storage.Store) {
	ctx := t.Context()
	spellings := []string{"alice", "Alice", "ALICE", "alice ", "al%", "al_ce", "älice", "a\u0308lice", "o'alice", `al"ice`}
	for i, name := range spellings {
		a, _ := newAccount(i)
		a.Account.Handle, a.Account.Email = syntax.Handle(name), name
		must(s.CreateAccount(ctx, a))(t)
	}
	r := emptyTree(testDID(100))
	for i, name := range spellings {
		want(t, "AccountByHandle "+name, must(s.AccountByHandle(ctx, syntax.Handle(name)))(t).DID, testDID(i))
		want(t, "AccountByEmail "+name, must(s.AccountByEmail(ctx, name))(t).DID, testDID(i))
		store(t, s, testDocument(name, name, testDID(i), 1))
		r = commit(t, s, r, put("a.b.c/"+name, name))
	}
	wantRepo(t, s, r)
	for i, name := range spellings {
		want(t, "Document "+name, must(s.Document(ctx, name, name))(t).Owner, testDID(i))
	}
	// Two CIDs of the same digest are two things.
	b := testBlob(testDID(1), "blob", 0)
	upload(t, s, b)
	_, err := s.Blob(ctx, testDID(1), cid.NewCidV1(cid.DagCBOR, b.CID.Hash()))
	fails(t, "Blob of another codec", err, storage.ErrNotFound)
}
