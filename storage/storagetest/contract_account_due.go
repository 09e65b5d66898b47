package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

const dueSays = "those that are deactivated, taken down or not, and whose DeleteAfter is set and not after now"

var accountDueSentences = []sentence{
	{"Accounts.DueAccounts", "pages", "DueAccounts yields the DIDs of up to limit accounts whose time has come: " + dueSays +
		", ordered by DeleteAfter and then by ID.", testDueAccounts},
	{"Accounts.DueAccounts", "either time alone", dueSays, testDueNeedsBoth},
	{"Accounts.DueAccounts", "activated again", dueSays, testDueChanges},
	{"Accounts.DueAccounts", "the time moves", "whose DeleteAfter is set and not after now", testDueMoves},
	{"Accounts.DueAccounts", "from the beginning", dueSays, testDueCreated},
}

// wantDue fails the test unless the accounts with the n-th DIDs, in this order, are due at(now).
func wantDue(t testing.TB, s storage.Store, now int, n ...int) {
	t.Helper()
	var dids []syntax.DID
	for _, n := range n {
		dids = append(dids, testDID(n))
	}
	want(t, "the accounts whose time has come", all(t, "DueAccounts", s.DueAccounts(t.Context(), at(now), 1000)), dids)
}

// alter updates the n-th account.
func alter(t testing.TB, s storage.Store, n int, change func(*storage.Account)) {
	t.Helper()
	must(s.UpdateAccount(t.Context(), testDID(n), func(a *storage.Account) error { change(a); return nil }))(t)
}

// end deactivates the n-th account, to be deleted after at(when).
func end(t testing.TB, s storage.Store, n, when int) {
	t.Helper()
	alter(t, s, n, func(a *storage.Account) { a.DeactivatedAt, a.DeleteAfter = at(when-1000), at(when) })
}

func testDueAccounts(t *testing.T, s storage.Store) {
	order := []int{8, 3, 5, 1, 4, 7, 2} // two of a time, and those of one time by ID
	for n := range 10 {
		create(t, s, n)
	}
	for i, n := range order {
		end(t, s, n, 10*(i/2))
	}
	for i := 0; i+1 < len(order); i += 2 {
		slices.Sort(order[i : i+2]) // by ID
	}
	wantDue(t, s, -1)
	wantDue(t, s, 0, order[:2]...)
	wantDue(t, s, 9, order[:2]...)
	wantDue(t, s, 10, order[:4]...)
	wantDue(t, s, 99, order...)
	for limit := range len(order) {
		var first []syntax.DID
		for _, n := range order[:limit+1] {
			first = append(first, testDID(n))
		}
		want(t, "the first that are due", all(t, "DueAccounts", s.DueAccounts(t.Context(), at(99), limit+1)), first)
	}
	for i, n := range order {
		must(s.DeleteAccount(t.Context(), testDID(n)))(t)
		wantDue(t, s, 99, order[i+1:]...)
	}
	ok(t, "Check", Check(t.Context(), s))
}

func testDueNeedsBoth(t *testing.T, s storage.Store) {
	for n := range 4 {
		create(t, s, n)
	}
	alter(t, s, 0, func(a *storage.Account) { a.DeactivatedAt = at(1) })
	alter(t, s, 1, func(a *storage.Account) { a.DeleteAfter = at(1) })
	alter(t, s, 2, func(a *storage.Account) { a.TakedownRef, a.DeleteAfter = "ref", at(1) })
	wantDue(t, s, 99)
	alter(t, s, 2, func(a *storage.Account) { a.DeactivatedAt = at(1) })
	wantDue(t, s, 99, 2)
	want(t, "before all time", all(t, "DueAccounts", s.DueAccounts(t.Context(), time.Time{}, 9)), nil)
}

func testDueChanges(t *testing.T, s storage.Store) {
	create(t, s, 1)
	create(t, s, 2)
	end(t, s, 1, 10)
	end(t, s, 2, 20)
	alter(t, s, 1, func(a *storage.Account) { a.DeactivatedAt = time.Time{} })
	wantDue(t, s, 99, 2)
	alter(t, s, 1, func(a *storage.Account) { a.DeactivatedAt = at(30) })
	wantDue(t, s, 99, 1, 2)
	alter(t, s, 1, func(a *storage.Account) { a.DeactivatedAt, a.DeleteAfter = time.Time{}, time.Time{} })
	alter(t, s, 2, func(a *storage.Account) { a.DeleteAfter = time.Time{} })
	wantDue(t, s, 99)
}

func testDueMoves(t *testing.T, s storage.Store) {
	create(t, s, 1)
	create(t, s, 2)
	end(t, s, 1, 10)
	end(t, s, 2, 20)
	end(t, s, 1, 30)
	wantDue(t, s, 29, 2)
	wantDue(t, s, 30, 2, 1)
	alter(t, s, 1, func(a *storage.Account) { a.Handle = "new.test" })
	end(t, s, 2, 40)
	wantDue(t, s, 39, 1)
}

func testDueCreated(t *testing.T, s storage.Store) {
	a, _ := newAccount(1)
	a.Account.DeactivatedAt, a.Account.DeleteAfter = at(1), at(2)
	must(s.CreateAccount(t.Context(), a))(t)
	b, _ := newAccount(2)
	b.Account.DeactivatedAt, b.Account.DeleteAfter, b.Account.Email = at(1), at(1), a.Account.Email
	_, err := s.CreateAccount(t.Context(), b)
	fails(t, "CreateAccount", err, storage.ErrEmailTaken)
	wantDue(t, s, 1)
	wantDue(t, s, 2, 1)
}
