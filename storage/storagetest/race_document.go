package storagetest

import (
	"fmt"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

func raceToPutDocument(t *testing.T, s storage.Store) {
	for round := range rounds {
		id := fmt.Sprint(round)
		w := winner(t, race(func(i int) error {
			return s.PutDocument(t.Context(), fresh(testDocument("kind", id, testDID(i), 9)))
		}), storage.ErrExists)
		want(t, "whose document it is", must(s.Document(t.Context(), "kind", id))(t).Owner, testDID(w))
	}
}

func raceToTakeDocument(t *testing.T, s storage.Store) {
	for range rounds {
		document := testDocument("kind", "id", testDID(1), 9)
		store(t, s, document)
		var got [racers]storage.Document
		w := winner(t, race(func(i int) (err error) {
			got[i], err = s.TakeDocument(t.Context(), "kind", "id")
			return err
		}), storage.ErrNotFound)
		want(t, "the document", got[w], document)
	}
}

func raceToSwapDocument(t *testing.T, s storage.Store) {
	document := testDocument("kind", "id", testDID(1), 9)
	store(t, s, document)
	for round := range rounds {
		var next [racers]storage.Document
		w := winner(t, race(func(i int) error {
			next[i] = document
			next[i].Value = fmt.Append(nil, round, i)
			return s.SwapDocument(t.Context(), document, fresh(next[i]))
		}), storage.ErrConflict)
		document = next[w]
		want(t, "the document", must(s.Document(t.Context(), "kind", "id"))(t), document)
	}
}

// raceToLimit lets more calls come than the limit admits.
func raceToLimit(t *testing.T, s storage.Store) {
	for round := range rounds {
		owner, limit := testDID(round), round%(racers-2)+1
		errs := race(func(i int) error {
			d := storage.NewDocument{Document: testDocument("kind", fmt.Sprint(round, " ", i), owner, 9), Limit: limit}
			return s.PutDocument(t.Context(), d)
		})
		stored := 0
		for _, err := range errs {
			if err == nil {
				stored++
			} else {
				fails(t, "PutDocument", err, storage.ErrLimit)
			}
		}
		want(t, "number of calls that succeeded", stored, limit)
		n := must(s.CountDocuments(t.Context(), storage.DocumentRange{Kind: "kind", Owner: owner}))(t)
		want(t, "number of documents", n, int64(limit))
	}
}
