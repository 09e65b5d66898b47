package storagetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

var accountSentences = []sentence{
	{"Accounts", "rows", "Accounts keeps the account rows.", testAccountRow},
	{"Accounts.CreateAccount", "all at once", "CreateAccount creates an account and its repo, appends the commit's " +
		"events and uses up the invite, as one write.", testCreateAccount},
	{"Accounts.CreateAccount", "the ID", "It returns the account's ID.", testAccountIDs},
	{"Accounts.CreateAccount", "DID with an account", "[ErrExists] if the DID has an account or a repo",
		func(t *testing.T, s storage.Store) {
			create(t, s, 1)
			testCreateRefused(t, s, 1, storage.ErrExists, func(a *storage.NewAccount) {
				a.Account.Handle, a.Account.Email = "other.test", "other@example.com"
			})
		}},
	{"Accounts.CreateAccount", "DID with a repo", "[ErrExists] if the DID has an account or a repo",
		func(t *testing.T, s storage.Store) {
			commit(t, s, emptyTree(testDID(1)), put("a.b.c/1", "one"))
			testCreateRefused(t, s, 1, storage.ErrExists, func(*storage.NewAccount) {})
		}},
	{"Accounts.CreateAccount", "handle taken", "[ErrHandleTaken]", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		testCreateRefused(t, s, 2, storage.ErrHandleTaken, func(a *storage.NewAccount) { a.Account.Handle = "user1.test" })
	}},
	{"Accounts.CreateAccount", "email taken", "[ErrEmailTaken]", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		testCreateRefused(t, s, 2, storage.ErrEmailTaken, func(a *storage.NewAccount) {
			a.Account.Email = "user1@example.com"
		})
	}},
	{"Accounts.CreateAccount", "invite changed", "[ErrConflict] if the invite is no longer what Invite.Old says",
		func(t *testing.T, s storage.Store) {
			invite := testDocument("invite", "code", "", 9)
			invite.Value = []byte("0 uses left")
			store(t, s, invite)
			testCreateRefused(t, s, 1, storage.ErrConflict, func(a *storage.NewAccount) { a.Invite = useOf("code") })
			want(t, "the invite", must(s.Document(t.Context(), "invite", "code"))(t), invite)
		}},
	{"Accounts.CreateAccount", "invite gone", "or isn't there",
		func(t *testing.T, s storage.Store) {
			testCreateRefused(t, s, 1, storage.ErrConflict, func(a *storage.NewAccount) { a.Invite = useOf("code") })
		}},
	{"Accounts.CreateAccount", "missing blob", "[ErrNotFound] if a record refers to a blob, of which a new account has " +
		"none, unless the commit's AllowMissingBlobs is set.", testCreateMissing},
	{"Accounts.CreateAccount", "which error is first", "Errors, of which the first that applies is returned",
		testCreatePrecedence},
	{"Accounts.CreateAccount", "without a guard", "CreateAccount creates an account and its repo",
		func(t *testing.T, s storage.Store) {
			a, r := newAccount(1)
			a.Commit.Guard = &storage.Guard{Epoch: 5}
			must(s.CreateAccount(t.Context(), a))(t)
			wantRepo(t, s, r)
		}},
	{"Accounts.Account", "by DID", "Account returns the account with a DID.", testAccountRow},
	{"Accounts.Account", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		_, err := s.Account(t.Context(), testDID(2))
		fails(t, "Account", err, storage.ErrNotFound)
	}},
	{"Accounts.AccountByHandle", "by handle", "AccountByHandle returns the account with a handle.", testAccountRow},
	{"Accounts.AccountByHandle", "absent", "Error: [ErrNotFound], also for \"\".", testNoHandle},
	{"Accounts.AccountByEmail", "by address", "AccountByEmail returns the account with an e-mail address.", testAccountRow},
	{"Accounts.AccountByEmail", "absent", "Error: [ErrNotFound], also for \"\".", testNoHandle},
	{"Accounts.ListAccounts", "pages", "ListAccounts yields up to limit accounts whose ID is greater than after, by ID, " +
		"each with its repo's head.", testListAccounts},
}

// useOf returns the use of an invite.
func useOf(code string) *storage.DocumentSwap {
	old, new := testDocument("invite", code, "", 9), testDocument("invite", code, "", 9)
	old.Value, new.Value = []byte("1 use left"), []byte("0 uses left")
	return &storage.DocumentSwap{Old: old, New: new}
}

func testAccountRow(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	a, _ := newAccount(2)
	a.Account = storage.Account{
		ID: 999, DID: testDID(2), Handle: "user2.test", Email: "user2@example.com", EmailConfirmedAt: at(1),
		PasswordHash: "hash", CreatedAt: at(2), DeactivatedAt: at(3), DeleteAfter: at(4), TakedownRef: "ref", Suspended: true,
		Epoch: 7, SessionEpoch: 1 << 60,
	}
	account := a.Account
	account.ID = must(s.CreateAccount(ctx, a))(t)
	want(t, "Account", must(s.Account(ctx, account.DID))(t), account)
	want(t, "AccountByHandle", must(s.AccountByHandle(ctx, account.Handle))(t), account)
	want(t, "AccountByEmail", must(s.AccountByEmail(ctx, account.Email))(t), account)
	if account.ID == 999 {
		t.Error("CreateAccount took the caller's ID")
	}
}

func testCreateAccount(t *testing.T, s storage.Store) {
	ctx := t.Context()
	use := useOf("code")
	store(t, s, use.Old)
	a, r := newAccount(1, put("a.b.c/1", "one"))
	a.Invite = use
	id := must(s.CreateAccount(ctx, a))(t)
	want(t, "Account's ID", must(s.Account(ctx, testDID(1)))(t).ID, id)
	wantRepo(t, s, r)
	want(t, "the log", kinds(events(t, s)), kinds(a.Commit.Events))
	want(t, "the invite", must(s.Document(ctx, "invite", "code"))(t), use.New)
	ok(t, "Check", Check(ctx, s))
}

// testCreateRefused tries to create the n-th account, altered by alter, and fails the test unless the error is target
// and the attempt has left nothing.
func testCreateRefused(t *testing.T, s storage.Store, n int, target error, alter func(*storage.NewAccount)) {
	t.Helper()
	ctx := t.Context()
	log, accounts := events(t, s), all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10))
	a, _ := newAccount(n, put("a.b.c/2", "two"))
	alter(&a)
	_, err := s.CreateAccount(ctx, a)
	fails(t, "CreateAccount", err, target)
	want(t, "the log", events(t, s), log)
	want(t, "the accounts", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10)), accounts)
	_, err = s.Record(ctx, testDID(n), "a.b.c/2")
	fails(t, "Record of the refused account", err, storage.ErrNotFound)
	ok(t, "Check", Check(ctx, s))
}

// testCreatePrecedence gives an attempt every reason to fail, and takes one after the other away.
func testCreatePrecedence(t *testing.T, s storage.Store) {
	create(t, s, 1)
	create(t, s, 2)
	refused := func(n int, target error, alter func(*storage.NewAccount)) {
		t.Helper()
		a, _ := newAccount(n, put("a.b.c/1", "one", blobOf("missing")))
		a.Invite = useOf("none")
		alter(&a)
		_, err := s.CreateAccount(t.Context(), a)
		for _, e := range []error{storage.ErrHandleTaken, storage.ErrEmailTaken, storage.ErrNotFound} {
			if e != target && errors.Is(err, e) {
				t.Fatalf("CreateAccount: error is %v, want %v", err, target)
			}
		}
		fails(t, "CreateAccount", err, target)
	}
	handle := func(a *storage.NewAccount) { a.Account.Handle = "user1.test" }
	email := func(a *storage.NewAccount) { a.Account.Email = "user2@example.com" }
	refused(1, storage.ErrExists, func(a *storage.NewAccount) { a.Account.Handle = "user2.test"; email(a) })
	refused(1, storage.ErrExists, func(a *storage.NewAccount) { a.Account.Handle, a.Account.Email = "", "" })
	refused(3, storage.ErrHandleTaken, func(a *storage.NewAccount) { handle(a); email(a) })
	refused(3, storage.ErrEmailTaken, email)
	refused(3, storage.ErrConflict, func(*storage.NewAccount) {})
	refused(3, storage.ErrNotFound, func(a *storage.NewAccount) { a.Invite = nil })
	ok(t, "Check", Check(t.Context(), s))
}

func testCreateMissing(t *testing.T, s storage.Store) {
	use := useOf("code")
	store(t, s, use.Old)
	create(t, s, 2)
	upload(t, s, testBlob(testDID(2), "blob", 1)) // which is another account's
	missing := put("a.b.c/2", "two", blobOf("blob"))
	testCreateRefused(t, s, 1, storage.ErrNotFound, func(a *storage.NewAccount) {
		with, _ := newAccount(1, missing)
		a.Commit, a.Invite = with.Commit, use
	})
	want(t, "the invite", must(s.Document(t.Context(), "invite", "code"))(t), use.Old)
	a, r := newAccount(1, missing)
	a.Invite, a.Commit.AllowMissingBlobs = use, true
	must(s.CreateAccount(t.Context(), a))(t)
	wantRepo(t, s, r)
	want(t, "the invite", must(s.Document(t.Context(), "invite", "code"))(t), use.New)
}

func testAccountIDs(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var last int64
	for n := range 4 {
		a, _ := newAccount(n)
		id := must(s.CreateAccount(ctx, a))(t)
		if id <= last {
			t.Fatalf("ID is %d, and that of an account before it %d", id, last)
		}
		want(t, "Account's ID", must(s.Account(ctx, testDID(n)))(t).ID, id)
		last = id
		if n == 2 { // the newest is removed, but its ID isn't given again
			must(s.DeleteAccount(ctx, testDID(n)))(t)
		}
	}
}

func testNoHandle(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for n := range 3 { // any number may have none
		a, _ := newAccount(n)
		a.Account.Handle, a.Account.Email = "", ""
		must(s.CreateAccount(ctx, a))(t)
	}
	for _, absent := range []string{"", "user1.test"} {
		_, err := s.AccountByHandle(ctx, syntax.Handle(absent))
		fails(t, fmt.Sprintf("AccountByHandle(%q)", absent), err, storage.ErrNotFound)
		_, err = s.AccountByEmail(ctx, absent)
		fails(t, fmt.Sprintf("AccountByEmail(%q)", absent), err, storage.ErrNotFound)
	}
}

func testListAccounts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var hosted []storage.Hosted
	for n := range 7 {
		r := create(t, s, n)
		r = commit(t, s, r, put("a.b.c/1", fmt.Sprint(n)))
		hosted = append(hosted, storage.Hosted{Account: must(s.Account(ctx, testDID(n)))(t), Head: r.head})
	}
	want(t, "all", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10)), hosted)
	want(t, "the first page", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 3)), hosted[:3])
	want(t, "the second page", all(t, "ListAccounts", s.ListAccounts(ctx, hosted[2].ID, 3)), hosted[3:6])
	want(t, "the third page", all(t, "ListAccounts", s.ListAccounts(ctx, hosted[5].ID, 3)), hosted[6:])
	want(t, "the page after the last", all(t, "ListAccounts", s.ListAccounts(ctx, hosted[6].ID, 3)), nil)
	must(s.DeleteAccount(ctx, testDID(4)))(t)
	rest := append(append([]storage.Hosted{}, hosted[:4]...), hosted[5:]...)
	want(t, "all but one", all(t, "ListAccounts", s.ListAccounts(ctx, 0, 10)), rest)
}

// cidsOf returns the CIDs of a repo's blocks.
func cidsOf(r *tree) []cid.Cid {
	var cids []cid.Cid
	for _, b := range r.blocks() {
		cids = append(cids, b.CID)
	}
	return cids
}
