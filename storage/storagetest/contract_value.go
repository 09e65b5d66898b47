package storagetest

import (
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

func testOwnership(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	spoil := func(bs ...[]byte) {
		for _, b := range bs {
			for i := range b {
				b[i] ^= 0xff
			}
		}
	}
	// A commit whose slices are copies of those that are compared later.
	c, next := r.commit(put("a.b.c/1", "one"))
	written := c
	written.Head.Block = append([]byte{}, c.Head.Block...)
	written.NewNodes = nil
	for _, b := range c.NewNodes {
		b.Bytes = append([]byte{}, b.Bytes...)
		written.NewNodes = append(written.NewNodes, b)
	}
	written.Writes = []storage.RecordWrite{c.Writes[0]}
	written.Writes[0].Bytes = append([]byte{}, c.Writes[0].Bytes...)
	written.Events = []storage.Event{c.Events[0]}
	written.Events[0].Body = append([]byte{}, c.Events[0].Body...)
	seq := must(s.Commit(ctx, written))(t)
	spoil(written.Head.Block, written.NewNodes[0].Bytes, written.Writes[0].Bytes, written.Events[0].Body)
	wantRepo(t, s, next)
	log := all(t, "ListEvents", s.ListEvents(ctx, seq-1, 1))
	want(t, "the event's body", log[0].Body, c.Events[0].Body)

	token := testToken("kind", "id", did, 1)
	ok(t, "PutToken", s.PutToken(ctx, token))
	spoil(token.Value)
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), testToken("kind", "id", did, 1))
	swapped := testToken("kind", "id", did, 1)
	swapped.Value = []byte("swapped")
	ok(t, "SwapToken", s.SwapToken(ctx, testToken("kind", "id", did, 1), swapped))
	spoil(swapped.Value)
	want(t, "Token", string(must(s.Token(ctx, "kind", "id"))(t).Value), "swapped")

	value := []byte("preferences")
	ok(t, "UpdatePreferences", s.UpdatePreferences(ctx, did, func([]byte) ([]byte, error) { return value, nil }))
	spoil(value)
	want(t, "Preferences", preferences(t, s, did), "preferences")

	sealed := []byte("sealed")
	ok(t, "PutKey", s.PutKey(ctx, "name", sealed))
	spoil(sealed)
	want(t, "Key", string(must(s.Key(ctx, "name"))(t)), "sealed")
}

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

	token := testToken("kind", "id", testDID(1), 9)
	token.IssuedAt, token.ExpiresAt = moment, moment.Add(time.Millisecond)
	ok(t, "PutToken", s.PutToken(ctx, token))
	token = must(s.Token(ctx, "kind", "id"))(t)
	want(t, "IssuedAt", token.IssuedAt, at(7))
	want(t, "ExpiresAt", token.ExpiresAt, at(8))

	e := testEvent(testDID(1), storage.EventAccount, 1)
	e.Time = moment
	seq := must(s.AppendEvents(ctx, e))(t)
	want(t, "the event's Time", all(t, "ListEvents", s.ListEvents(ctx, seq-1, 1))[0].Time, at(7))

	b := testBlob(testDID(1), "blob", 0)
	b.CreatedAt = moment
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	want(t, "the blob's CreatedAt", must(s.Blob(ctx, testDID(1), b.CID))(t).CreatedAt, at(7))
}

// testNoClock works with times long past and far ahead, which a backend that looks at the clock would take as due.
func testNoClock(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	for i, year := range []int{1971, 2300} {
		when := time.Date(year, time.May, 6, 7, 8, 9, 10_000_000, time.UTC)
		token := storage.Token{Kind: "kind", ID: when.String(), DID: did, IssuedAt: when, ExpiresAt: when.Add(1e9)}
		ok(t, "PutToken", s.PutToken(ctx, token))
		want(t, "Token", must(s.Token(ctx, token.Kind, token.ID))(t), token)
		fails(t, "PutToken again", s.PutToken(ctx, token), storage.ErrExists)
		want(t, "ListTokens", len(all(t, "ListTokens", s.ListTokens(ctx, "kind", did))), i+1)

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
		ok(t, "PutToken", s.PutToken(ctx, testToken(name, name, testDID(i), 1)))
		ok(t, "PutKey", s.PutKey(ctx, name, []byte(name)))
		r = commit(t, s, r, put("a.b.c/"+name, name))
	}
	wantRepo(t, s, r)
	for i, name := range spellings {
		want(t, "Token "+name, must(s.Token(ctx, name, name))(t).DID, testDID(i))
		want(t, "Key "+name, string(must(s.Key(ctx, name))(t)), name)
	}
	// Two CIDs of the same digest are two things.
	b := testBlob(testDID(1), "blob", 0)
	ok(t, "PutBlob", s.PutBlob(ctx, b))
	_, err := s.Blob(ctx, testDID(1), cid.NewCidV1(cid.DagCBOR, b.CID.Hash()))
	fails(t, "Blob of another codec", err, storage.ErrNotFound)
}
