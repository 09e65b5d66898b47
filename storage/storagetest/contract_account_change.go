package storagetest

import (
	"errors"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var accountChangeSentences = []sentence{
	{"Accounts.UpdateAccount", "one write", "UpdateAccount calls change with the account as it is, and stores what " +
		"change makes of it together with events, as one write", testUpdateAccount},
	{"Accounts.UpdateAccount", "change refuses", "An error from change is returned as it is, and nothing is written.",
		testUpdateRefused},
	{"Accounts.UpdateAccount", "fresh copies", "change may be called more than once, with fresh copies", testUpdateFresh},
	{"Accounts.UpdateAccount", "the sequence number", "It returns the sequence number of the last event, or 0 without events.",
		testUpdateSeq},
	{"Accounts.UpdateAccount", "absent", "[ErrNotFound]", func(t *testing.T, s storage.Store) {
		_, err := s.UpdateAccount(t.Context(), testDID(1), func(*storage.Account) error {
			t.Error("change was called")
			return nil
		}, testEvent(testDID(1), storage.EventAccount, 1))
		fails(t, "UpdateAccount", err, storage.ErrNotFound)
		want(t, "the log", events(t, s), nil)
	}},
	{"Accounts.UpdateAccount", "handle taken", "[ErrHandleTaken]", func(t *testing.T, s storage.Store) {
		testUpdateTaken(t, s, storage.ErrHandleTaken, func(a *storage.Account) { a.Handle = "user2.test" })
	}},
	{"Accounts.UpdateAccount", "email taken", "[ErrEmailTaken]", func(t *testing.T, s storage.Store) {
		testUpdateTaken(t, s, storage.ErrEmailTaken, func(a *storage.Account) { a.Email = "user2@example.com" })
	}},
	{"Accounts.UpdateAccount", "which error is first", "Errors, of which the first that applies is returned",
		testUpdatePrecedence},
	{"Accounts.UpdateAccount", "a handle that was given up is free", "[ErrHandleTaken]", testUpdateFrees},
	{"Accounts.DeleteAccount", "removes all", "DeleteAccount removes the account with its repo, its takedowns and the " +
		"documents that it owns, queues its blobs, taken down or not, for deletion (see [BlobIndex]), removes the account's " +
		"earlier events from the log and appends events, as one write.", testDeleteAccount},
	{"Accounts.DeleteAccount", "idempotent", "It is idempotent: without such an account it writes nothing, not even the " +
		"events.", testDeleteNothing},
	{"Accounts.DeleteAccount", "the sequence number",
		"It returns the sequence number of the last event, or 0 if nothing was written.", testDeleteNothing},
	{"Accounts.DeleteAccount", "the DID can be used again", "DeleteAccount removes the account", testDeleteAgain},
}

func testUpdateAccount(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1)
	create(t, s, 2)
	before, other := must(s.Account(ctx, did))(t), must(s.Account(ctx, testDID(2)))(t)
	log := events(t, s)
	after := storage.Account{
		ID: before.ID, DID: did, Handle: "new.test", Email: "new@example.com", EmailConfirmedAt: at(1), PasswordHash: "new",
		CreatedAt: at(2), DeactivatedAt: at(3), DeleteAfter: at(4), TakedownRef: "ref", Suspended: true,
		Epoch: 1<<53 + 1, SessionEpoch: 1<<53 + 3,
	}
	e := []storage.Event{testEvent(did, storage.EventIdentity, 8), testEvent(did, storage.EventAccount, 9)}
	must(s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		if diff := difference(before, *a); diff != "" {
			t.Errorf("change got another account (-want +got):\n%s", diff)
		}
		*a = after
		return nil
	}, e...))(t)
	want(t, "Account", must(s.Account(ctx, did))(t), after)
	want(t, "AccountByHandle", must(s.AccountByHandle(ctx, "new.test"))(t), after)
	want(t, "AccountByEmail", must(s.AccountByEmail(ctx, "new@example.com"))(t), after)
	want(t, "the other account", must(s.Account(ctx, testDID(2)))(t), other)
	want(t, "the log", kinds(events(t, s)), append(kinds(log), kinds(e)...))
	wantRepo(t, s, r)
}

func testUpdateRefused(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	before, log := must(s.Account(ctx, did))(t), events(t, s)
	refusal := errors.New("refused")
	_, err := s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		a.Handle, a.PasswordHash = "new.test", "new"
		return refusal
	}, testEvent(did, storage.EventAccount, 9))
	if err != refusal {
		t.Fatalf("error is %v, want change's own", err)
	}
	want(t, "Account", must(s.Account(ctx, did))(t), before)
	want(t, "the log", events(t, s), log)
	_, err = s.AccountByHandle(ctx, "new.test")
	fails(t, "AccountByHandle", err, storage.ErrNotFound)
}

func testUpdateFresh(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	hash := must(s.Account(ctx, did))(t).PasswordHash
	must(s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		a.PasswordHash += "+"
		return nil
	}))(t)
	want(t, "PasswordHash", must(s.Account(ctx, did))(t).PasswordHash, hash+"+")
	var kept *storage.Account
	must(s.UpdateAccount(ctx, did, func(a *storage.Account) error { kept = a; return nil }))(t)
	kept.PasswordHash = "changed afterwards"
	want(t, "PasswordHash", must(s.Account(ctx, did))(t).PasswordHash, hash+"+")
}

func testUpdateSeq(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	same := func(*storage.Account) error { return nil }
	want(t, "the number without events", must(s.UpdateAccount(ctx, did, same))(t), 0)
	e := []storage.Event{testEvent(did, storage.EventIdentity, 8), testEvent(did, storage.EventAccount, 9)}
	seq := must(s.UpdateAccount(ctx, did, same, e...))(t)
	log := events(t, s)
	want(t, "the number", seq, log[len(log)-1].Seq)
}

// testUpdateTaken makes the first account want what the second one has.
func testUpdateTaken(t *testing.T, s storage.Store, target error, alter func(*storage.Account)) {
	t.Helper()
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	create(t, s, 2)
	before, log := must(s.Account(ctx, did))(t), events(t, s)
	_, err := s.UpdateAccount(ctx, did, func(a *storage.Account) error {
		a.PasswordHash = "new"
		alter(a)
		return nil
	}, testEvent(did, storage.EventAccount, 9))
	fails(t, "UpdateAccount", err, target)
	want(t, "Account", must(s.Account(ctx, did))(t), before)
	want(t, "the log", events(t, s), log)
	want(t, "AccountByHandle", must(s.AccountByHandle(ctx, "user2.test"))(t).DID, testDID(2))
	want(t, "AccountByEmail", must(s.AccountByEmail(ctx, "user2@example.com"))(t).DID, testDID(2))
}

// testUpdatePrecedence gives an update every reason to fail, and takes one after the other away.
func testUpdatePrecedence(t *testing.T, s storage.Store) {
	for n := 1; n <= 3; n++ {
		create(t, s, n)
	}
	own := errors.New("refused")
	for _, of := range []struct {
		handle, email string
		refuse, want  error
	}{
		{"user2.test", "user3@example.com", own, own},
		{"user2.test", "user3@example.com", nil, storage.ErrHandleTaken},
		{"user2.test", "user2@example.com", nil, storage.ErrHandleTaken},
		{"user1.test", "user3@example.com", nil, storage.ErrEmailTaken},
	} {
		before := must(s.Account(t.Context(), testDID(1)))(t)
		_, err := s.UpdateAccount(t.Context(), testDID(1), func(a *storage.Account) error {
			a.Handle, a.Email = syntax.Handle(of.handle), of.email
			return of.refuse
		})
		fails(t, "UpdateAccount", err, of.want)
		if of.want == storage.ErrHandleTaken && errors.Is(err, storage.ErrEmailTaken) {
			t.Fatalf("UpdateAccount: error is %v, want the handle's alone", err)
		}
		want(t, "Account", must(s.Account(t.Context(), testDID(1)))(t), before)
	}
}

func testUpdateFrees(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	create(t, s, 2)
	must(s.UpdateAccount(ctx, testDID(1), func(a *storage.Account) error { a.Handle, a.Email = "", ""; return nil }))(t)
	_, err := s.AccountByHandle(ctx, "user1.test")
	fails(t, "AccountByHandle", err, storage.ErrNotFound)
	_, err = s.AccountByEmail(ctx, "user1@example.com")
	fails(t, "AccountByEmail", err, storage.ErrNotFound)
	must(s.UpdateAccount(ctx, testDID(2), func(a *storage.Account) error {
		a.Handle, a.Email = "user1.test", "user1@example.com"
		return nil
	}))(t)
	want(t, "AccountByHandle", must(s.AccountByHandle(ctx, "user1.test"))(t).DID, testDID(2))
	want(t, "AccountByEmail", must(s.AccountByEmail(ctx, "user1@example.com"))(t).DID, testDID(2))
}

func testDeleteAccount(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	other := create(t, s, 2, put("a.b.c/1", "one"))
	r := create(t, s, 1, put("a.b.c/1", "one"))
	upload(t, s, testBlob(did, "referenced", 1))
	upload(t, s, testBlob(did, "temporary", 1))
	upload(t, s, testBlob(testDID(2), "temporary", 1))
	r = commit(t, s, r, put("a.b.c/2", "two", blobOf("referenced")))
	for n := 1; n <= 2; n++ {
		store(t, s, testDocument("kind", string(testDID(n)), testDID(n), 9))
		store(t, s, forever("key", string(testDID(n)), testDID(n)))
	}
	store(t, s, testDocument("kind", "no owner", "", 9))
	must(s.AppendEvents(ctx, testEvent(testDID(2), storage.EventIdentity, 5)))(t)

	kept := []storage.Event{}
	for _, e := range events(t, s) {
		if e.DID != did {
			kept = append(kept, e)
		}
	}
	takeDownBlob(t, s, did, "temporary", "ref")
	r = takeDown(t, s, r, "a.b.c/1", "ref")
	gone := []storage.Event{testEvent(did, storage.EventIdentity, 8), testEvent(did, storage.EventAccount, 9)}
	seq := must(s.DeleteAccount(ctx, did, gone...))(t)

	_, err := s.Account(ctx, did)
	fails(t, "Account", err, storage.ErrNotFound)
	_, err = s.AccountByHandle(ctx, "user1.test")
	fails(t, "AccountByHandle", err, storage.ErrNotFound)
	_, err = s.AccountByEmail(ctx, "user1@example.com")
	fails(t, "AccountByEmail", err, storage.ErrNotFound)
	wantNoRepo(t, s, did, cidsOf(r)...)
	_, err = s.Document(ctx, "kind", string(did))
	fails(t, "Document", err, storage.ErrNotFound)
	want(t, "ListDocuments", documents(t, s, storage.DocumentRange{Owner: did}), nil)
	_, err = s.Document(ctx, "key", string(did))
	fails(t, "Document that never expires", err, storage.ErrNotFound)
	want(t, "CountDocuments", must(s.CountDocuments(ctx, storage.DocumentRange{Owner: did}))(t), 0)
	want(t, "ListBlobs", listed(t, s, did, storage.BlobRange{}), nil)
	want(t, "ListTakedowns", takedowns(t, s, did), nil)
	want(t, "the account's events", kinds(all(t, "ListEvents", s.ListEvents(ctx, storage.EventRange{DID: did}))), kinds(gone))
	want(t, "blobs to delete", claimed(t, s, at(0)), blobStrings("referenced", "temporary"))

	log := events(t, s)
	want(t, "the log", kinds(log), append(kinds(kept), kinds(gone)...))
	want(t, "the number", seq, log[len(log)-1].Seq)

	wantRepo(t, s, other)
	must(s.Account(ctx, testDID(2)))(t)
	must(s.Document(ctx, "kind", string(testDID(2))))(t)
	must(s.Document(ctx, "key", string(testDID(2))))(t)
	must(s.Document(ctx, "kind", "no owner"))(t)
	ok(t, "Check", Check(ctx, s))
}

func testDeleteNothing(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1)
	create(t, s, 2)
	want(t, "the number without events", must(s.DeleteAccount(ctx, did))(t), 0)
	log := events(t, s)
	want(t, "the number", must(s.DeleteAccount(ctx, did, testEvent(did, storage.EventAccount, 9)))(t), 0)
	want(t, "the log", events(t, s), log)
	seq := must(s.DeleteAccount(ctx, testDID(2), testEvent(testDID(2), storage.EventAccount, 9)))(t)
	want(t, "the number", seq, must(s.LastSeq(ctx))(t))
}

func testDeleteAgain(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	create(t, s, 1, put("a.b.c/1", "one"))
	id := must(s.Account(ctx, did))(t).ID
	must(s.DeleteAccount(ctx, did))(t)
	r := create(t, s, 1, put("d.e.f/2", "two"))
	wantRepo(t, s, r)
	if again := must(s.Account(ctx, did))(t).ID; again <= id {
		t.Errorf("ID is %d, and was %d", again, id)
	}
}
