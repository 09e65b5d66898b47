package identity

import (
	"errors"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

func TestHandleRules(t *testing.T) {
	r := HandleRules{ServiceDomains: []string{".example.com", "sub.Example.com", ".test"}}
	tests := []struct {
		raw, want string // the handle, or the message
		kind      error
	}{
		{"alice.example.com", "alice.example.com", nil},
		{"ALICE.Example.COM", "alice.example.com", nil},
		{"ali.example.com", "ali.example.com", nil},
		{"abcdefghijklmnopqr.example.com", "abcdefghijklmnopqr.example.com", nil},
		{"a-b-c.example.com", "a-b-c.example.com", nil},
		{"alice.sub.example.com", "alice.sub.example.com", nil},
		{"alice.test", "alice.test", nil},

		{"al.example.com", "Handle too short", ErrInvalidHandle},
		{"abcdefghijklmnopqrs.example.com", "Handle too long", ErrInvalidHandle},
		{"a.lice.example.com", "Invalid characters in handle", ErrInvalidHandle},
		{"www.alice.sub.example.com", "Invalid characters in handle", ErrInvalidHandle},
		{"admin.example.com", "Reserved handle", ErrHandleNotAvailable},
		{"Ad-Min.example.com", "Reserved handle", ErrHandleNotAvailable},
		{"alice.localhost", "Handle TLD is invalid or disallowed", ErrInvalidHandle},
		{"handle.invalid", "Handle TLD is invalid or disallowed", ErrInvalidHandle},
		{"", "Invalid handle", ErrInvalidHandle},
		{"alice", "Invalid handle", ErrInvalidHandle},
		{"-alice.example.com", "Invalid handle", ErrInvalidHandle},
		{"al_ice.example.com", "Invalid handle", ErrInvalidHandle},
		{"@alice.example.com", "Invalid handle", ErrInvalidHandle},
		{"alice.example.com.", "Invalid handle", ErrInvalidHandle},
		{"аlice.example.com", "Invalid handle", ErrInvalidHandle}, // with a Cyrillic letter

		{"alice.org", "Not a supported handle domain", ErrUnsupportedDomain},
		{"example.com", "Not a supported handle domain", ErrUnsupportedDomain},
		{"aliceexample.com", "Not a supported handle domain", ErrUnsupportedDomain},
	}
	for _, test := range tests {
		h, err := r.ValidateNew(test.raw)
		checkHandle(t, test.raw, h, err, test.want, test.kind)
		if errors.Is(test.kind, ErrUnsupportedDomain) {
			test.kind, test.want = nil, test.raw
		}
		h, err = r.Validate(test.raw)
		checkHandle(t, test.raw, h, err, test.want, test.kind)
		if errors.Is(test.kind, ErrHandleNotAvailable) {
			if _, err = r.ValidateReserved(test.raw); err != nil {
				t.Errorf("%q: %v", test.raw, err)
			}
		}
	}
}

func checkHandle(t *testing.T, raw string, h syntax.Handle, err error, want string, kind error) {
	t.Helper()
	var e *HandleError
	switch {
	case kind == nil:
		if err != nil || h.String() != want {
			t.Errorf("%q: %q, %v", raw, h, err)
		}
	case !errors.As(err, &e) || e.Message != want || !errors.Is(err, kind) || h != "":
		t.Errorf("%q: %q, %v, want %v: %s", raw, h, err, kind, want)
	}
}

func TestHandleRulesOfTheHost(t *testing.T) {
	r := HandleRules{ServiceDomains: []string{".example.com"}, Reserved: func(l string) bool { return l == "alice" }}
	if _, err := r.ValidateNew("alice.example.com"); !errors.Is(err, ErrHandleNotAvailable) {
		t.Error(err)
	}
	if _, err := r.ValidateNew("admin.example.com"); err != nil {
		t.Error(err)
	}
	if _, err := (HandleRules{}).ValidateNew("alice.example.com"); !errors.Is(err, ErrUnsupportedDomain) {
		t.Error(err)
	}
}
