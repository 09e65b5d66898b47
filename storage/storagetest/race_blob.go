package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// raceToClaim claims blobs while commits refer to them: each blob goes one way.
func raceToClaim(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range racers {
		create(t, s, i)
	}
	for round := range rounds {
		data := fmt.Sprint(round)
		for i := range racers {
			upload(t, s, testBlob(testDID(i), data, 1))
		}
		claimed := make(map[syntax.DID]bool) // whose blob of this round
		errs := race(func(i int) error {
			if i == 0 {
				ids, err := s.ClaimBlobs(ctx, at(2), 100)
				for _, id := range ids {
					claimed[id.DID] = claimed[id.DID] || id.CID == blobOf(data)
				}
				return err
			}
			head, err := s.Head(ctx, testDID(i))
			if err != nil {
				return err
			}
			r := &tree{head: head, commits: round + 1}
			c, _ := r.commit(put("a.b.c/1", data, blobOf(data)))
			_, err = s.Commit(ctx, c)
			return err
		})
		ok(t, "ClaimBlobs", errs[0])
		for i, err := range errs[1:] {
			did := testDID(i + 1)
			if claimed[did] {
				fails(t, "Commit that refers to a blob that is claimed", err, storage.ErrNotFound)
			} else {
				ok(t, "Commit that refers to a blob that isn't claimed", err)
				want(t, "Referenced", must(s.Blob(ctx, did, blobOf(data)))(t).Referenced, true)
			}
		}
		for _, id := range must(s.ClaimBlobs(ctx, at(0), 100))(t) {
			ok(t, "RemoveBlob", s.RemoveBlob(ctx, id))
		}
	}
}
