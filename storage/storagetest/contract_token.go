package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

var tokenSentences = []sentence{
	{"Tokens", "expired ones too", "It knows nothing of what they mean, and returns expired ones too", testTokensExpired},
	{"Tokens", "by kind and ID", "Tokens keeps tokens.", testTokenKinds},
	{"Tokens.PutToken", "a new token", "PutToken stores a new token.", testPutToken},
	{"Tokens.PutToken", "in place of an expired one", "One of the same kind and ID that had expired when the new one was " +
		"issued (its ExpiresAt is not after the new one's IssuedAt) is replaced.", testPutTokenExpired},
	{"Tokens.PutToken", "taken", "Error: [ErrExists].", testPutTokenTaken},
	{"Tokens.PutToken", "one of two", "Of two calls that race exactly one succeeds.", testPutTokenTaken},
	{"Tokens.Token", "one token", "Token returns a token.", testPutToken},
	{"Tokens.Token", "absent", "Error: [ErrNotFound].", testTokenKinds},
	{"Tokens.TakeToken", "once", "TakeToken removes a token and returns it.", testTakeToken},
	{"Tokens.TakeToken", "one of many", "Of any number of calls exactly one gets it.", testTakeToken},
	{"Tokens.TakeToken", "absent", "Error: [ErrNotFound].", testTakeToken},
	{"Tokens.SwapToken", "the value decides", "SwapToken replaces old by new if the stored token still has old's Value, " +
		"byte by byte.", testSwapToken},
	{"Tokens.SwapToken", "everything but kind and ID is replaced", "Both have the same kind and ID.", testSwapTokenAll},
	{"Tokens.SwapToken", "absent", "[ErrNotFound]", func(t *testing.T, s storage.Store) {
		token := testToken("kind", "id", testDID(1), 9)
		ok(t, "PutToken", s.PutToken(t.Context(), testToken("kind", "id 2", testDID(1), 9)))
		fails(t, "SwapToken", s.SwapToken(t.Context(), token, token), storage.ErrNotFound)
		_, err := s.Token(t.Context(), "kind", "id")
		fails(t, "Token", err, storage.ErrNotFound)
	}},
	{"Tokens.SwapToken", "conflict", "[ErrConflict]", testSwapToken},
	{"Tokens.ListTokens", "by ID", "ListTokens yields an account's tokens of a kind, ordered by their IDs.", testListTokens},
	{"Tokens.DeleteTokens", "of some kinds", "DeleteTokens removes an account's tokens of the given kinds; of all kinds if " +
		"none is given.", testDeleteTokens},
	{"Tokens.ExpireTokens", "up to limit", "ExpireTokens removes up to limit tokens whose ExpiresAt is not after now, and " +
		"returns how many it removed.", testExpireTokens},
}

func testTokensExpired(t *testing.T, s storage.Store) {
	ctx := t.Context()
	token := testToken("kind", "id", testDID(1), -1) // it expired before it was issued
	ok(t, "PutToken", s.PutToken(ctx, token))
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), token)
	want(t, "ListTokens", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(1))), []storage.Token{token})
	want(t, "TakeToken", must(s.TakeToken(ctx, "kind", "id"))(t), token)
}

func testTokenKinds(t *testing.T, s storage.Store) {
	ctx := t.Context()
	tokens := []storage.Token{
		testToken("ab", "c", testDID(1), 9), testToken("a", "bc", testDID(1), 9), testToken("c", "ab", "", 9),
		testToken("a", "b", testDID(2), 9),
	}
	for _, token := range tokens {
		ok(t, "PutToken", s.PutToken(ctx, token))
	}
	for _, token := range tokens {
		want(t, "Token", must(s.Token(ctx, token.Kind, token.ID))(t), token)
	}
	for _, absent := range [][2]string{{"", "abc"}, {"abc", ""}, {"a", "c"}, {"ab", "bc"}} {
		_, err := s.Token(ctx, absent[0], absent[1])
		fails(t, "Token", err, storage.ErrNotFound)
	}
}

func testPutToken(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, value := range []string{"", "value", "\x00\xff\n"} {
		token := testToken("kind", fmt.Sprint(i), testDID(i), 9)
		token.Value = []byte(value)
		ok(t, "PutToken", s.PutToken(ctx, token))
		want(t, "Token", must(s.Token(ctx, "kind", token.ID))(t), token)
	}
}

func testPutTokenExpired(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ok(t, "PutToken", s.PutToken(ctx, testToken("kind", "id", testDID(1), 5)))
	next := testToken("kind", "id", testDID(2), 9)
	next.IssuedAt, next.Value = at(5), []byte("next")
	ok(t, "PutToken when the old one has just expired", s.PutToken(ctx, next))
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), next)
	want(t, "tokens of the old one's account", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(1))), nil)
	want(t, "tokens of the new one's account", len(all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(2)))), 1)
	want(t, "number of tokens that expire", must(s.ExpireTokens(ctx, at(99), 9))(t), 1)
}

func testPutTokenTaken(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first := testToken("kind", "id", testDID(1), 5)
	ok(t, "PutToken", s.PutToken(ctx, first))
	second := testToken("kind", "id", testDID(2), 99)
	second.Value, second.IssuedAt = []byte("second"), at(4)
	fails(t, "PutToken", s.PutToken(ctx, second), storage.ErrExists)
	fails(t, "PutToken of the same", s.PutToken(ctx, first), storage.ErrExists)
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), first)
	want(t, "tokens of the other account", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(2))), nil)
}

func testTakeToken(t *testing.T, s storage.Store) {
	ctx := t.Context()
	token, other := testToken("kind", "id", testDID(1), 9), testToken("kind", "id 2", testDID(1), 9)
	ok(t, "PutToken", s.PutToken(ctx, token))
	ok(t, "PutToken", s.PutToken(ctx, other))
	want(t, "TakeToken", must(s.TakeToken(ctx, "kind", "id"))(t), token)
	for range 2 {
		_, err := s.TakeToken(ctx, "kind", "id")
		fails(t, "TakeToken again", err, storage.ErrNotFound)
	}
	_, err := s.Token(ctx, "kind", "id")
	fails(t, "Token", err, storage.ErrNotFound)
	want(t, "ListTokens", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(1))), []storage.Token{other})
	ok(t, "PutToken of one that was taken", s.PutToken(ctx, token))
}

func testSwapToken(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old, new := testToken("kind", "id", testDID(1), 9), testToken("kind", "id", testDID(1), 9)
	new.Value = []byte("new")
	ok(t, "PutToken", s.PutToken(ctx, old))
	like := old // another token, but for its value
	like.DID, like.ExpiresAt = testDID(2), at(1)
	ok(t, "SwapToken", s.SwapToken(ctx, like, new))
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), new)
	for _, value := range []string{string(old.Value), "", "ne", "newer", "NEW"} {
		stale := new
		stale.Value = []byte(value)
		fails(t, "SwapToken of value "+value, s.SwapToken(ctx, stale, old), storage.ErrConflict)
		want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), new)
	}
}

func testSwapTokenAll(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := testToken("kind", "id", testDID(1), 9)
	ok(t, "PutToken", s.PutToken(ctx, old))
	new := storage.Token{
		Kind: "kind", ID: "id", DID: testDID(2), Value: []byte("new"), IssuedAt: at(10), ExpiresAt: at(20),
	}
	ok(t, "SwapToken", s.SwapToken(ctx, old, new))
	want(t, "Token", must(s.Token(ctx, "kind", "id"))(t), new)
	want(t, "tokens of the old account", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(1))), nil)
	want(t, "tokens of the new account", all(t, "ListTokens", s.ListTokens(ctx, "kind", testDID(2))), []storage.Token{new})
	want(t, "number of tokens that expire too early", must(s.ExpireTokens(ctx, at(19), 9))(t), 0)
	want(t, "number of tokens that expire", must(s.ExpireTokens(ctx, at(20), 9))(t), 1)
}

// putTokens stores tokens of two kinds for three accounts, one of which is none.
func putTokens(t testing.TB, s storage.Store) {
	t.Helper()
	for n, did := range []syntax.DID{testDID(1), testDID(2), ""} {
		for _, kind := range []string{"kind", "other kind"} {
			for i, id := range []string{"b", "a", "C", "aa", "10", "9"} {
				ok(t, "PutToken", s.PutToken(t.Context(), testToken(kind, fmt.Sprint(id, " ", n), did, i)))
			}
		}
	}
}

func tokenIDs(t testing.TB, s storage.Store, kind string, did syntax.DID) []string {
	t.Helper()
	var ids []string
	for _, token := range all(t, "ListTokens", s.ListTokens(t.Context(), kind, did)) {
		if token.Kind != kind || token.DID != did {
			t.Errorf("ListTokens of %s and %s yields one of %s and %s", kind, did, token.Kind, token.DID)
		}
		ids = append(ids, token.ID)
	}
	return ids
}

func testListTokens(t *testing.T, s storage.Store) {
	putTokens(t, s)
	want(t, "IDs", tokenIDs(t, s, "kind", testDID(1)), []string{"10 0", "9 0", "C 0", "a 0", "aa 0", "b 0"})
	want(t, "IDs", tokenIDs(t, s, "other kind", testDID(2)), []string{"10 1", "9 1", "C 1", "a 1", "aa 1", "b 1"})
	want(t, "IDs of no kind", tokenIDs(t, s, "none", testDID(1)), nil)
	want(t, "IDs of no account", tokenIDs(t, s, "kind", testDID(3)), nil)
}

func testDeleteTokens(t *testing.T, s storage.Store) {
	ctx := t.Context()
	putTokens(t, s)
	ok(t, "PutToken", s.PutToken(ctx, testToken("third kind", "id", testDID(1), 9)))
	left := func(did syntax.DID) [3]int {
		n := func(kind string) int { return len(tokenIDs(t, s, kind, did)) }
		return [3]int{n("kind"), n("other kind"), n("third kind")}
	}
	ok(t, "DeleteTokens of no such kind", s.DeleteTokens(ctx, testDID(1), "none"))
	want(t, "tokens", left(testDID(1)), [3]int{6, 6, 1})
	ok(t, "DeleteTokens of a kind", s.DeleteTokens(ctx, testDID(1), "kind"))
	want(t, "tokens", left(testDID(1)), [3]int{0, 6, 1})
	ok(t, "DeleteTokens of two kinds", s.DeleteTokens(ctx, testDID(1), "other kind", "kind"))
	want(t, "tokens", left(testDID(1)), [3]int{0, 0, 1})
	want(t, "tokens of another account", left(testDID(2)), [3]int{6, 6, 0})
	ok(t, "DeleteTokens of all kinds", s.DeleteTokens(ctx, testDID(2)))
	want(t, "tokens of another account", left(testDID(2)), [3]int{0, 0, 0})
	want(t, "tokens", left(testDID(1)), [3]int{0, 0, 1})
	want(t, "tokens of no account", left(""), [3]int{6, 6, 0})
	_, err := s.Token(ctx, "kind", "a 1")
	fails(t, "Token", err, storage.ErrNotFound)
}

func testExpireTokens(t *testing.T, s storage.Store) {
	ctx := t.Context()
	putTokens(t, s) // six that expire at each of at(0) to at(5)
	expire := func(now, limit, n int) {
		t.Helper()
		want(t, "number of tokens removed", must(s.ExpireTokens(ctx, at(now), limit))(t), n)
	}
	expire(-1, 99, 0)
	expire(0, 99, 6)
	want(t, "IDs", tokenIDs(t, s, "kind", testDID(1)), []string{"10 0", "9 0", "C 0", "a 0", "aa 0"})
	expire(2, 5, 5)
	expire(2, 99, 7)
	want(t, "IDs", tokenIDs(t, s, "kind", testDID(1)), []string{"10 0", "9 0", "aa 0"})
	expire(2, 99, 0)
	expire(99, 99, 18)
	want(t, "IDs", tokenIDs(t, s, "kind", testDID(1)), nil)
}
