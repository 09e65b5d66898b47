package memory

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// member says that a repo has a record of a collection.
type member struct {
	collection syntax.NSID
	did        syntax.DID
}

func compareMembers(a, b member) int {
	return cmp.Or(strings.Compare(string(a.collection), string(b.collection)), strings.Compare(string(a.did), string(b.did)))
}

// ListByCollection implements [storage.Repos].
func (s *Store) ListByCollection(
	ctx context.Context, collection syntax.NSID, after syntax.DID, limit int,
) iter.Seq2[syntax.DID, error] {
	return func(yield func(syntax.DID, error) bool) {
		n := 0
		s.now.Load().members.Ascend(member{collection, after}, func(m member) bool {
			switch {
			case m.collection != collection || n >= limit:
				return false
			case m.did == after:
				return true
			}
			if err := ctx.Err(); err != nil {
				yield("", err)
				return false
			}
			n++
			return yield(m.did, nil)
		})
	}
}

// settleMembers notes which of the collections a repo has records of.
func (s *state) settleMembers(r *repo, collections []syntax.NSID) {
	for _, collection := range collections {
		m := member{collection, r.head.DID}
		if r.has(collection) {
			s.members.Set(m)
		} else {
			s.members.Delete(m)
		}
	}
}

func collectionOf(path string) syntax.NSID {
	collection, _, _ := strings.Cut(path, "/")
	return syntax.NSID(collection)
}

// has says whether a repo has a record of a collection.
func (r *repo) has(collection syntax.NSID) (yes bool) {
	r.scan(storage.RecordRange{Collection: collection}, func(*record) bool {
		yes = true
		return false
	})
	return yes
}

// collections returns the collections that a repo has records of, in the order of the paths. It skips from one to the
// next.
func (r *repo) collections() (all []syntax.NSID) {
	for at, more := "", true; more; {
		more = false
		r.records.Ascend(&record{Record: storage.Record{Path: at}}, func(rec *record) bool {
			collection := collectionOf(rec.Path)
			all = append(all, collection)
			at, more = string(collection)+"0", true // the string after all that begin with the collection and a slash
			return false
		})
	}
	return all
}
