package storagetest

import (
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

func raceToPutToken(t *testing.T, s storage.Store) {
	for round := range rounds {
		id := fmt.Sprint(round)
		w := winner(t, race(func(i int) error {
			return s.PutToken(t.Context(), testToken("kind", id, testDID(i), 9))
		}), storage.ErrExists)
		want(t, "whose token it is", must(s.Token(t.Context(), "kind", id))(t).DID, testDID(w))
	}
}

func raceToTakeToken(t *testing.T, s storage.Store) {
	for range rounds {
		token := testToken("kind", "id", testDID(1), 9)
		ok(t, "PutToken", s.PutToken(t.Context(), token))
		var got [racers]storage.Token
		w := winner(t, race(func(i int) (err error) {
			got[i], err = s.TakeToken(t.Context(), "kind", "id")
			return err
		}), storage.ErrNotFound)
		want(t, "the token", got[w], token)
	}
}

func raceToSwapToken(t *testing.T, s storage.Store) {
	token := testToken("kind", "id", testDID(1), 9)
	ok(t, "PutToken", s.PutToken(t.Context(), token))
	for round := range rounds {
		var next [racers]storage.Token
		w := winner(t, race(func(i int) error {
			next[i] = token
			next[i].Value = fmt.Append(nil, round, i)
			return s.SwapToken(t.Context(), token, next[i])
		}), storage.ErrConflict)
		token = next[w]
		want(t, "the token", must(s.Token(t.Context(), "kind", "id"))(t), token)
	}
}

func raceToPutKey(t *testing.T, s storage.Store) {
	for round := range rounds {
		name := fmt.Sprint(round)
		w := winner(t, race(func(i int) error {
			return s.PutKey(t.Context(), name, fmt.Append(nil, "key ", i))
		}), storage.ErrExists)
		want(t, "the key", string(must(s.Key(t.Context(), name))(t)), fmt.Sprint("key ", w))
	}
}
