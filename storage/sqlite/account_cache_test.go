package sqlite

import (
	"errors"
	"os"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// An account isn't remembered if it was read while it changed, or before a change of which the reader knows nothing.
func TestAccountCache(t *testing.T) {
	c := newAccountCache()
	a := storage.Account{DID: did(1), Handle: "old.test"}
	want := func(handle string, when string) {
		t.Helper()
		if got, _, _ := c.get(a.DID); string(got.Handle) != handle {
			t.Errorf("%s, the cache has %q, want %q", when, got.Handle, handle)
		}
	}
	_, before, _ := c.get(a.DID)
	c.put(a, before)
	want("old.test", "once read")

	done := c.change(a.DID)
	want("", "while it changes")
	_, during, _ := c.get(a.DID)
	c.put(a, during)
	want("", "read while it changes")
	other := c.change(a.DID)
	done()
	_, during, _ = c.get(a.DID)
	c.put(a, during)
	want("", "read while another change is under way")
	other()
	c.put(a, during)
	want("", "read while it changed, and put when that is over")
	c.put(a, before)
	want("", "read before the change")

	a.Handle = "new.test"
	_, after, _ := c.get(a.DID)
	c.put(a, after)
	want("new.test", "read after the change")
	if len(c.changing) > 0 {
		t.Errorf("%d accounts are still being changed", len(c.changing))
	}
}

func TestAccountCacheSize(t *testing.T) {
	c := newAccountCache()
	for i := range maxCachedAccounts + 10 {
		c.put(storage.Account{DID: did(i)}, 0)
	}
	if len(c.accounts) != maxCachedAccounts {
		t.Errorf("%d accounts are cached, want %d", len(c.accounts), maxCachedAccounts)
	}
}

// What is cached of an account follows each kind of change.
func TestAccountCacheFollows(t *testing.T) {
	s := open(t, Options{})
	d := did(1)
	handle := func() (h syntax.Handle) {
		t.Helper()
		for range 2 { // from the database, from the cache
			a, err := s.Account(t.Context(), d)
			if err != nil {
				return syntax.Handle(err.Error())
			}
			h = a.Handle
		}
		return h
	}
	create := storage.NewAccount{Account: storage.Account{DID: d, Handle: "old.test"}, Commit: firstCommit(d, 0)}
	if _, err := s.CreateAccount(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if got := handle(); got != "old.test" {
		t.Errorf("created as old.test, it is %s", got)
	}
	_, err := s.UpdateAccount(t.Context(), d, func(a *storage.Account) error { a.Handle = "new.test"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if got := handle(); got != "new.test" {
		t.Errorf("renamed to new.test, it is %s", got)
	}
	if _, err := s.DeleteAccount(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := handle(); got == "new.test" {
		t.Error("deleted, it is still there")
	}
	create.Commit = firstCommit(d, 0)
	if _, err := s.CreateAccount(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	handle()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Account(t.Context(), d); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close, the error is %v, want one that is os.ErrClosed", err)
	}
}
