package session

import (
	"errors"
	"strings"
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
	if n, err := a.Store.ExpireTokens(t.Context(), now.AddDate(1000, 0, 0), 10); n != 0 || err != nil {
		t.Errorf("%d have expired, %v", n, err)
	}
	var all []AppPassword
	for p, err := range a.List(t.Context(), alice) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if diff := cmp.Diff([]AppPassword{brought, made}, all); diff != "" {
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
