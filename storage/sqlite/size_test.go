package sqlite

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// A store grows by what is replaced until that is removed.
func TestSize(t *testing.T) {
	s := open(t, Options{})
	size := func() int64 {
		t.Helper()
		n, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	replace := func(c storage.Commit) {
		t.Helper()
		if _, err := s.Replace(t.Context(), c, repoRows(1000)); err != nil {
			t.Fatal(err)
		}
	}
	empty := size()
	first := storage.Commit{Head: head(did(1), 1)}
	replace(first)
	one := size() - empty
	if one < 1000*300 {
		t.Errorf("%d bytes for 1000 records of 300", one)
	}
	replace(storage.Commit{Prev: first.Head.Commit, Head: head(did(1), 2)})
	if two := size() - empty; two < one*19/10 {
		t.Errorf("%d bytes with the rows that were replaced, %d without", two, one)
	}
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := size() - empty; left > one*11/10 {
		t.Errorf("%d bytes once they are removed, %d before they were replaced", left, one)
	}
}
