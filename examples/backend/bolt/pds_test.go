package bolt

import (
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
)

// TestPDS: a server on it writes a repo that is as it should be.
func TestPDS(t *testing.T) {
	dir := t.TempDir()
	p := pdstest.New(t, func(c *pds.Config) { c.Store = open(t, dir) })
	r := p.Repo(p.Account(t, "alice").DID)
	for i := range 100 {
		if _, _, err := r.Put(t.Context(), "com.example.thing", "", map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMaintain: nothing of what was replaced or deleted stays, and nothing else goes.
func TestMaintain(t *testing.T) {
	dir := t.TempDir()
	var s *Store
	p := pdstest.New(t, func(c *pds.Config) {
		c.Store = open(t, dir)
		s = c.Store.(*Store)
	})
	alice, bob := p.Repo(p.Account(t, "alice").DID), p.Account(t, "bob")
	for i := range step + 10 {
		if _, _, err := p.Repo(bob.DID).Put(t.Context(), "com.example.thing", "", map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DeleteAccount(t.Context(), bob.DID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := alice.Put(t.Context(), "com.example.thing", "", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := view(t.Context(), s, func(t tx) (n int, err error) {
		for range t.scan(records, nil, nil) {
			n++
		}
		return n, nil
	})
	if err != nil || left != 1 {
		t.Errorf("%d records are left, %v: want the one of alice", left, err)
	}
	if err := alice.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
