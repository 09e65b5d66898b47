package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

var at = time.UnixMilli(1_700_000_000_000).UTC()

func doc(kind, id string, owner syntax.DID, expires time.Time) storage.Document {
	return storage.Document{Kind: kind, ID: id, Owner: owner, Value: []byte(id), IssuedAt: at, ExpiresAt: expires}
}

// Documents are listed and counted by kind and by owner, in order.
func TestListDocuments(t *testing.T) {
	s := open(t, Options{})
	for _, d := range []storage.Document{
		doc("b", "1", did(1), time.Time{}), doc("a", "2", did(2), at), doc("a", "1", did(1), at),
		doc("a", "3", did(1), at), doc("a", "4", "", at), doc("c", "1", did(1), at),
	} {
		if err := s.PutDocument(t.Context(), storage.NewDocument{Document: d}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		storage.DocumentRange
		want []string
	}{
		{storage.DocumentRange{Kind: "a"}, []string{"a1", "a2", "a3", "a4"}},
		{storage.DocumentRange{Kind: "a", After: "1", Limit: 2}, []string{"a2", "a3"}},
		{storage.DocumentRange{Kind: "a", Owner: did(1)}, []string{"a1", "a3"}},
		{storage.DocumentRange{Kind: "a", Owner: did(1), After: "1"}, []string{"a3"}},
		{storage.DocumentRange{Owner: did(1)}, []string{"a1", "a3", "b1", "c1"}},
		{storage.DocumentRange{Owner: did(1), Limit: 3}, []string{"a1", "a3", "b1"}},
		{storage.DocumentRange{Owner: did(3)}, nil},
	} {
		var got []string
		for d, err := range s.ListDocuments(t.Context(), test.DocumentRange) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, d.Kind+d.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.DocumentRange, got, test.want)
		}
		if n, err := s.CountDocuments(t.Context(), test.DocumentRange); err != nil || n != int64(len(test.want)) {
			t.Errorf("%+v: %d, %v, want %d", test.DocumentRange, n, err, len(test.want))
		}
	}
	if _, err := s.CountDocuments(t.Context(), storage.DocumentRange{}); err == nil {
		t.Error("all documents are counted")
	}
	if n, err := s.ExpireDocuments(t.Context(), at, 10); err != nil || n != 5 {
		t.Errorf("%d documents expire, %v, want all but the one that never does", n, err)
	}
	if _, err := s.Document(t.Context(), "b", "1"); err != nil {
		t.Error(err)
	}
}

// Of the documents of a kind that an owner may have, those that have expired don't count; nor do
// those of others.
func TestDocumentLimit(t *testing.T) {
	for _, owner := range []syntax.DID{did(1), ""} {
		s := open(t, Options{})
		put := func(d storage.Document, limit int) error {
			return s.PutDocument(t.Context(), storage.NewDocument{Document: d, Limit: limit})
		}
		for i, d := range []storage.Document{
			doc("a", "expired", owner, at), doc("b", "1", owner, time.Time{}), doc("a", "other", did(2), time.Time{}),
		} {
			if err := put(d, 0); err != nil {
				t.Fatal(i, err)
			}
		}
		for n := range 3 {
			expires := time.Time{}
			if n == 1 {
				expires = at.Add(time.Hour)
			}
			if err := put(doc("a", fmt.Sprint(n), owner, expires), 3); err != nil {
				t.Errorf("document %d of %q: %v", n, owner, err)
			}
		}
		if err := put(doc("a", "3", owner, time.Time{}), 3); !errors.Is(err, storage.ErrLimit) {
			t.Errorf("one too many of %q: %v, want ErrLimit", owner, err)
		}
		if err := put(doc("a", "1", owner, time.Time{}), 3); !errors.Is(err, storage.ErrExists) {
			t.Errorf("one that exists of %q: %v, want ErrExists", owner, err)
		}
		if err := put(doc("a", "expired", owner, time.Time{}), 4); err != nil {
			t.Errorf("in place of an expired one of %q: %v", owner, err)
		}
		s.Close()
	}
}

// Without a kind nothing is deleted: an account's signing key is a document, too.
func TestDeleteDocuments(t *testing.T) {
	s := open(t, Options{})
	for _, kind := range []string{"a", "b", storage.KindKey} {
		if err := s.PutDocument(t.Context(), storage.NewDocument{Document: doc(kind, "1", did(1), time.Time{})}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(n int64) {
		t.Helper()
		if got, err := s.CountDocuments(t.Context(), storage.DocumentRange{Owner: did(1)}); err != nil || got != n {
			t.Errorf("%d documents, %v, want %d", got, err, n)
		}
	}
	for _, deleted := range []struct {
		kinds []string
		left  int64
	}{{nil, 3}, {[]string{"a", "c"}, 2}} {
		if err := s.DeleteDocuments(t.Context(), did(1), deleted.kinds...); err != nil {
			t.Fatal(err)
		}
		want(deleted.left)
	}
}
