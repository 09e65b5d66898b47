package session

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const overlong = password.Max + 1

func TestAppPasswords(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := AppPasswords{Store: memory.New(), Now: func() time.Time { return now }}
	password, made, err := a.Create(t.Context(), alice, "phone/☺", true)
	if err != nil || made != (AppPassword{"phone/☺", true, now}) {
		t.Fatalf("made %+v, %v", made, err)
	}
	if _, _, err := a.Create(t.Context(), alice, "phone/☺", false); !errors.Is(err, storage.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	brought := AppPassword{Name: "brought along", CreatedAt: now.AddDate(-3, 0, 0)}
	for _, did := range []syntax.DID{alice, bob} {
		if err := a.Import(t.Context(), did, brought, scryptApp); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Import(t.Context(), bob, AppPassword{Name: "nobody knows when"}, scryptApp); err != nil {
		t.Fatal(err)
	}
	d, err := a.Store.Document(t.Context(), AppPasswordKind, appPasswordID(alice, made.Name))
	if err != nil || !d.ExpiresAt.IsZero() || d.Owner != alice {
		t.Errorf("stored is %+v, %v", d, err)
	}
	if n, err := a.Store.ExpireDocuments(t.Context(), now.AddDate(1000, 0, 0), 10); n != 0 || err != nil {
		t.Errorf("%d have expired, %v", n, err)
	}
	if diff := cmp.Diff([]AppPassword{brought, made}, listAppPasswords(t, a, alice)); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		did      syntax.DID
		password string
		want     AppPassword
		err      error
	}{
		{alice, password, made, nil},
		{alice, "abcd-efgh-ijkl-mnop", brought, nil},
		{bob, password, AppPassword{}, ErrInvalidLogin},
		{bob, "abcd-efgh-ijkl-mnop", AppPassword{}, ErrInvalidLogin}, // the hash is of alice's
		{"", password, AppPassword{}, ErrInvalidLogin},
		{alice, strings.Repeat("x", overlong), AppPassword{}, ErrInvalidLogin},
	} {
		if got, err := a.Find(t.Context(), test.did, test.password); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s, %s: got %+v, %v", test.did, test.password, got, err)
		}
	}
	for range 2 {
		if err := a.Delete(t.Context(), alice, made.Name); err != nil {
			t.Fatal(err)
		}
	}
	another := AppPassword{Name: brought.Name, CreatedAt: now}
	for p, want := range map[AppPassword]bool{made: false, brought: true, another: false} {
		if has, err := a.Has(t.Context(), alice, p); has != want || err != nil {
			t.Errorf("%+v: %v, %v", p, has, err)
		}
	}
	if _, err := a.Find(t.Context(), alice, password); !errors.Is(err, ErrInvalidLogin) {
		t.Errorf("after it was deleted: %v", err)
	}
}

// Simultaneous calls don't exceed the limit together, and it is each account's own.
func TestAppPasswordLimit(t *testing.T) {
	a := AppPasswords{Store: memory.New(), Now: func() time.Time { return start }}
	const room, excess = 6, 4 // Create hashes, which takes its time; imported ones count, too
	for i := range MaxAppPasswords - room {
		if err := a.Import(t.Context(), alice, AppPassword{Name: fmt.Sprint("imported ", i)}, scryptApp); err != nil {
			t.Fatal(err)
		}
	}
	var made, refused atomic.Int32
	var wg sync.WaitGroup
	for i := range room + excess {
		wg.Go(func() {
			switch _, _, err := a.Create(t.Context(), alice, fmt.Sprint("made ", i), false); {
			case err == nil:
				made.Add(1)
			case errors.Is(err, storage.ErrLimit):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != room || refused.Load() != excess {
		t.Errorf("%d were made and %d refused, want %d and %d", made.Load(), refused.Load(), room, excess)
	}
	all := listAppPasswords(t, a, alice)
	if len(all) != MaxAppPasswords {
		t.Fatalf("there are %d, want %d", len(all), MaxAppPasswords)
	}
	if _, _, err := a.Create(t.Context(), alice, all[0].Name, false); !errors.Is(err, storage.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	if _, _, err := a.Create(t.Context(), bob, all[0].Name, false); err != nil {
		t.Errorf("of another account: %v", err)
	}
	if err := a.Delete(t.Context(), alice, all[0].Name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Create(t.Context(), alice, "in its place", false); err != nil {
		t.Errorf("after one was deleted: %v", err)
	}
	// An account that moves here keeps all that it has.
	if err := a.Import(t.Context(), alice, AppPassword{Name: "one more"}, scryptApp); err != nil {
		t.Errorf("import: %v", err)
	}
}

// The DID "" has no app passwords, although other accounts have some.
func TestAppPasswordsOfNobody(t *testing.T) {
	a := AppPasswords{Store: memory.New(), Now: func() time.Time { return start }}
	password, _, err := a.Create(t.Context(), alice, "phone", true)
	if err != nil {
		t.Fatal(err)
	}
	hashOfNobody, err := hashAppPassword(t.Context(), "", password)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Import(t.Context(), bob, AppPassword{Name: "phone"}, hashOfNobody); err != nil {
		t.Fatal(err)
	}
	if got := listAppPasswords(t, a, ""); got != nil {
		t.Errorf("the list: %+v", got)
	}
	if got, err := a.Find(t.Context(), "", password); got != (AppPassword{}) || !errors.Is(err, ErrInvalidLogin) {
		t.Errorf("found %+v, %v", got, err)
	}
}

func listAppPasswords(t *testing.T, a AppPasswords, did syntax.DID) (all []AppPassword) {
	t.Helper()
	for p, err := range a.List(t.Context(), did) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestIsAppPassword(t *testing.T) {
	for password, want := range map[string]bool{
		newAppPassword():       true,
		"abcd-efgh-ijkl-m234":  true,
		"":                     false,
		"abcd-efgh-ijkl":       false,
		"abcd-efgh-ijkl-mnop-": false,
		"abcd-efgh-ijkl-mno1":  false,
		"abcd-efgh-ijkl-MNOP":  false,
		"abcdefgh-ijkl-mnop":   false,
	} {
		if got := IsAppPassword(password); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
}
