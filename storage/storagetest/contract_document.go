package storagetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

var documentSentences = []sentence{
	{"Documents", "by kind and ID", "Documents keeps documents.", testDocumentKinds},
	{"Documents", "expired ones too", "It knows nothing of what they mean, and returns expired ones too, which the caller " +
		"tells by their ExpiresAt, until ExpireDocuments has removed them.", testDocumentsExpired},
	{"Documents.PutDocument", "a new document", "PutDocument stores a new document.", testPutDocument},
	{"Documents.PutDocument", "in place of an expired one", "One of the same kind and ID that had expired when the new one " +
		"was issued (its ExpiresAt is set, and not after the new one's IssuedAt) is replaced.", testPutDocumentExpired},
	{"Documents.PutDocument", "one that never expires", "its ExpiresAt is set", testPutDocumentForever},
	{"Documents.PutDocument", "taken", "[ErrExists]", testPutDocumentTaken},
	{"Documents.Document", "one document", "Document returns a document.", testPutDocument},
	{"Documents.Document", "absent", "Error: [ErrNotFound].", testDocumentKinds},
	{"Documents.TakeDocument", "once", "TakeDocument removes a document and returns it.", testTakeDocument},
	{"Documents.TakeDocument", "one of many", "Of any number of calls exactly one gets it.", testTakeDocument},
	{"Documents.TakeDocument", "absent", "Error: [ErrNotFound].", testTakeDocument},
	{"Documents.SwapDocument", "the value decides", "SwapDocument replaces old by new if the stored document still has " +
		"old's Value, byte by byte.", testSwapDocument},
	{"Documents.SwapDocument", "everything but kind and ID is replaced", "Both have the same kind and ID.",
		testSwapDocumentAll},
	{"Documents.SwapDocument", "absent", "[ErrNotFound]", func(t *testing.T, s storage.Store) {
		d := testDocument("kind", "id", testDID(1), 9)
		store(t, s, testDocument("kind", "id 2", testDID(1), 9))
		fails(t, "SwapDocument", s.SwapDocument(t.Context(), d, fresh(d)), storage.ErrNotFound)
		_, err := s.Document(t.Context(), "kind", "id")
		fails(t, "Document", err, storage.ErrNotFound)
	}},
	{"Documents.SwapDocument", "conflict", "[ErrConflict]", testSwapDocument},
}

// documents lists the documents of a range.
func documents(t testing.TB, s storage.Store, r storage.DocumentRange) []storage.Document {
	t.Helper()
	return all(t, "ListDocuments", s.ListDocuments(t.Context(), r))
}

func testDocumentsExpired(t *testing.T, s storage.Store) {
	ctx := t.Context()
	d := testDocument("kind", "id", testDID(1), -1) // it expired before it was issued
	store(t, s, d)
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), d)
	want(t, "ListDocuments", documents(t, s, storage.DocumentRange{Kind: "kind"}), []storage.Document{d})
	want(t, "CountDocuments", must(s.CountDocuments(ctx, storage.DocumentRange{Kind: "kind"}))(t), 1)
	want(t, "TakeDocument", must(s.TakeDocument(ctx, "kind", "id"))(t), d)
}

func testDocumentKinds(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ds := []storage.Document{
		testDocument("ab", "c", testDID(1), 9), testDocument("a", "bc", testDID(1), 9), testDocument("c", "ab", "", 9),
		testDocument("a", "b", testDID(2), 9),
	}
	store(t, s, ds...)
	for _, d := range ds {
		want(t, "Document", must(s.Document(ctx, d.Kind, d.ID))(t), d)
	}
	for _, absent := range [][2]string{{"", "abc"}, {"abc", ""}, {"a", "c"}, {"ab", "bc"}} {
		_, err := s.Document(ctx, absent[0], absent[1])
		fails(t, "Document", err, storage.ErrNotFound)
	}
}

func testPutDocument(t *testing.T, s storage.Store) {
	for i, value := range []string{"", "value", "\x00\xff\n"} {
		for _, expires := range []time.Time{{}, at(9)} {
			d := storage.Document{Kind: "kind", ID: fmt.Sprint(i, expires), Owner: testDID(i), Value: []byte(value)}
			d.IssuedAt, d.ExpiresAt = at(1), expires
			store(t, s, d)
			want(t, "Document", must(s.Document(t.Context(), "kind", d.ID))(t), d)
		}
	}
	none := forever("kind", "no owner", "")
	store(t, s, none)
	want(t, "Document", must(s.Document(t.Context(), "kind", "no owner"))(t), none)
}

func testPutDocumentExpired(t *testing.T, s storage.Store) {
	store(t, s, testDocument("kind", "id", testDID(1), 5))
	next := testDocument("kind", "id", testDID(2), 9)
	next.IssuedAt, next.Value = at(5), []byte("next")
	store(t, s, next) // when the old one has just expired
	want(t, "Document", must(s.Document(t.Context(), "kind", "id"))(t), next)
	want(t, "documents of the old one's account", documents(t, s, storage.DocumentRange{Owner: testDID(1)}), nil)
	of := documents(t, s, storage.DocumentRange{Owner: testDID(2)})
	want(t, "documents of the new one's account", of, []storage.Document{next})
	want(t, "number of documents that expire", must(s.ExpireDocuments(t.Context(), at(99), 9))(t), 1)
}

func testPutDocumentForever(t *testing.T, s storage.Store) {
	first := forever("kind", "id", testDID(1))
	store(t, s, first)
	second := testDocument("kind", "id", testDID(2), 1000)
	second.IssuedAt = time.Date(2999, time.January, 1, 0, 0, 0, 0, time.UTC)
	fails(t, "PutDocument", s.PutDocument(t.Context(), fresh(second)), storage.ErrExists)
	want(t, "Document", must(s.Document(t.Context(), "kind", "id"))(t), first)
	old := testDocument("kind", "other id", testDID(1), 1)
	store(t, s, old)
	next := forever("kind", "other id", testDID(1))
	fails(t, "PutDocument before it has expired", s.PutDocument(t.Context(), fresh(next)), storage.ErrExists)
	next.IssuedAt = at(1)
	store(t, s, next)
	want(t, "Document", must(s.Document(t.Context(), "kind", "other id"))(t), next)
	want(t, "number of documents that expire", must(s.ExpireDocuments(t.Context(), at(99), 9))(t), 0)
}

func testPutDocumentTaken(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first := testDocument("kind", "id", testDID(1), 5)
	store(t, s, first)
	second := testDocument("kind", "id", testDID(2), 99)
	second.Value, second.IssuedAt = []byte("second"), at(4)
	fails(t, "PutDocument", s.PutDocument(ctx, fresh(second)), storage.ErrExists)
	fails(t, "PutDocument of the same", s.PutDocument(ctx, fresh(first)), storage.ErrExists)
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), first)
	want(t, "documents of the other account", documents(t, s, storage.DocumentRange{Owner: testDID(2)}), nil)
}

func testTakeDocument(t *testing.T, s storage.Store) {
	ctx := t.Context()
	d, other := testDocument("kind", "id", testDID(1), 9), testDocument("kind", "id 2", testDID(1), 9)
	store(t, s, d, other)
	want(t, "TakeDocument", must(s.TakeDocument(ctx, "kind", "id"))(t), d)
	for range 2 {
		_, err := s.TakeDocument(ctx, "kind", "id")
		fails(t, "TakeDocument again", err, storage.ErrNotFound)
	}
	_, err := s.Document(ctx, "kind", "id")
	fails(t, "Document", err, storage.ErrNotFound)
	want(t, "ListDocuments", documents(t, s, storage.DocumentRange{Owner: testDID(1)}), []storage.Document{other})
	want(t, "CountDocuments", must(s.CountDocuments(ctx, storage.DocumentRange{Kind: "kind"}))(t), 1)
	store(t, s, d) // one that was taken can be put again
	own := forever("kind", "forever", testDID(1))
	store(t, s, own)
	want(t, "TakeDocument of one that never expires", must(s.TakeDocument(ctx, "kind", "forever"))(t), own)
}

func testSwapDocument(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old, new := testDocument("kind", "id", testDID(1), 9), testDocument("kind", "id", testDID(1), 9)
	new.Value = []byte("new")
	store(t, s, old)
	like := old // another document, but for its value
	like.Owner, like.ExpiresAt = testDID(2), at(1)
	ok(t, "SwapDocument", s.SwapDocument(ctx, like, fresh(new)))
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), new)
	for _, value := range []string{string(old.Value), "", "ne", "newer", "NEW"} {
		stale := new
		stale.Value = []byte(value)
		fails(t, "SwapDocument of value "+value, s.SwapDocument(ctx, stale, fresh(old)), storage.ErrConflict)
		want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), new)
	}
}

func testSwapDocumentAll(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := testDocument("kind", "id", testDID(1), 9)
	store(t, s, old)
	new := storage.Document{
		Kind: "kind", ID: "id", Owner: testDID(2), Value: []byte("new"), IssuedAt: at(10), ExpiresAt: at(20),
	}
	ok(t, "SwapDocument", s.SwapDocument(ctx, old, fresh(new)))
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), new)
	want(t, "documents of the old account", documents(t, s, storage.DocumentRange{Owner: testDID(1)}), nil)
	of := documents(t, s, storage.DocumentRange{Kind: "kind", Owner: testDID(2)})
	want(t, "documents of the new account", of, []storage.Document{new})
	want(t, "number of documents that expire too early", must(s.ExpireDocuments(ctx, at(19), 9))(t), 0)
	always := forever("kind", "id", "")
	ok(t, "SwapDocument", s.SwapDocument(ctx, new, fresh(always)))
	want(t, "Document", must(s.Document(ctx, "kind", "id"))(t), always)
	want(t, "number of documents that expire", must(s.ExpireDocuments(ctx, at(20), 9))(t), 0)
	ok(t, "SwapDocument", s.SwapDocument(ctx, always, fresh(new)))
	want(t, "number of documents that expire", must(s.ExpireDocuments(ctx, at(20), 9))(t), 1)
}
