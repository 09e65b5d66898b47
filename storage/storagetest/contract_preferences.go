package storagetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var preferencesSentences = []sentence{
	{"Accounts", "preferences", "Accounts keeps the account rows, and the preferences of accounts.", testPreferences},
	{"Accounts.Preferences", "kept as they are", "Preferences returns an account's preferences, which are opaque to the " +
		"store, or nothing if it has none yet.", testPreferences},
	{"Accounts.Preferences", "absent", "Error: [ErrNotFound] if there is no such account.",
		func(t *testing.T, s storage.Store) {
			create(t, s, 1)
			_, err := s.Preferences(t.Context(), testDID(2))
			fails(t, "Preferences", err, storage.ErrNotFound)
		}},
	{"Accounts.UpdatePreferences", "as they are", "UpdatePreferences calls change with an account's preferences as they " +
		"are, and stores what it returns", testPreferences},
	{"Accounts.UpdatePreferences", "nothing else", "stores what it returns", testPreferencesAlone},
	{"Accounts.UpdatePreferences", "change refuses", "An error from change is returned as it is, and nothing is written.",
		testPreferencesRefused},
	{"Accounts.UpdatePreferences", "fresh copies", "change may be called more than once", testPreferencesFresh},
	{"Accounts.UpdatePreferences", "absent", "Error: [ErrNotFound].", func(t *testing.T, s storage.Store) {
		create(t, s, 1)
		err := s.UpdatePreferences(t.Context(), testDID(2), func([]byte) ([]byte, error) {
			t.Error("change was called")
			return nil, nil
		})
		fails(t, "UpdatePreferences", err, storage.ErrNotFound)
	}},
	{"Accounts.DeleteAccount", "preferences", "DeleteAccount removes the account with its preferences",
		testPreferencesDeleted},
}

// prefer sets an account's preferences.
func prefer(t testing.TB, s storage.Store, did syntax.DID, value string) {
	t.Helper()
	ok(t, "UpdatePreferences", s.UpdatePreferences(t.Context(), did, func([]byte) ([]byte, error) {
		return []byte(value), nil
	}))
}

// preferences returns an account's preferences.
func preferences(t testing.TB, s storage.Store, did syntax.DID) string {
	t.Helper()
	return string(must(s.Preferences(t.Context(), did))(t))
}

func testPreferences(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	create(t, s, 2)
	want(t, "preferences", preferences(t, s, testDID(1)), "")
	last := ""
	for _, value := range []string{"{}", "\x00 not even \xff text", "{}", strings.Repeat("long ", 50_000), ""} {
		ok(t, "UpdatePreferences", s.UpdatePreferences(ctx, testDID(1), func(old []byte) ([]byte, error) {
			want(t, "what change gets", string(old), last)
			within(t, "reading while an update is under way", func() error {
				if got, err := s.Preferences(ctx, testDID(1)); err != nil || string(got) != last {
					return fmt.Errorf("got %q, %v", got, err)
				}
				return nil
			})
			return []byte(value), nil
		}))
		want(t, "preferences", preferences(t, s, testDID(1)), value)
		last = value
	}
	ok(t, "UpdatePreferences", s.UpdatePreferences(ctx, testDID(1), func([]byte) ([]byte, error) { return nil, nil }))
	want(t, "preferences", preferences(t, s, testDID(1)), "")
	want(t, "another account's", preferences(t, s, testDID(2)), "")
}

func testPreferencesAlone(t *testing.T, s storage.Store) {
	ctx, did := t.Context(), testDID(1)
	r := create(t, s, 1, put("a.b.c/1", "one"))
	before, log := must(s.Account(ctx, did))(t), events(t, s)
	prefer(t, s, did, "preferences")
	want(t, "Account", must(s.Account(ctx, did))(t), before)
	must(s.UpdateAccount(ctx, did, func(a *storage.Account) error { a.PasswordHash = "new"; return nil }))(t)
	want(t, "preferences", preferences(t, s, did), "preferences")
	want(t, "the log", events(t, s), log)
	wantRepo(t, s, r)
}

func testPreferencesRefused(t *testing.T, s storage.Store) {
	create(t, s, 1)
	prefer(t, s, testDID(1), "old")
	refusal := errors.New("refused")
	err := s.UpdatePreferences(t.Context(), testDID(1), func([]byte) ([]byte, error) { return []byte("new"), refusal })
	if err != refusal {
		t.Fatalf("error is %v, want change's own", err)
	}
	want(t, "preferences", preferences(t, s, testDID(1)), "old")
}

func testPreferencesFresh(t *testing.T, s storage.Store) {
	create(t, s, 1)
	prefer(t, s, testDID(1), "one")
	value := []byte("two")
	ok(t, "UpdatePreferences", s.UpdatePreferences(t.Context(), testDID(1), func(old []byte) ([]byte, error) {
		return value, nil
	}))
	copy(value, "!!!")
	want(t, "preferences", preferences(t, s, testDID(1)), "two")
}

func testPreferencesDeleted(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for n := 1; n <= 2; n++ {
		create(t, s, n)
		prefer(t, s, testDID(n), "preferences")
	}
	must(s.DeleteAccount(ctx, testDID(1)))(t)
	_, err := s.Preferences(ctx, testDID(1))
	fails(t, "Preferences", err, storage.ErrNotFound)
	create(t, s, 1)
	want(t, "the new account's", preferences(t, s, testDID(1)), "")
	want(t, "another account's", preferences(t, s, testDID(2)), "preferences")
}
