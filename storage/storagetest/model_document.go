package storagetest

import (
	"maps"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// document returns a random one, most of whose parts are those of others.
func (m *model) document() storage.Document {
	issued := m.random.IntN(20)
	d := storage.Document{
		Kind: choose(m, modelKinds), ID: choose(m, modelNames), Owner: choose(m, append(modelDIDs, "")),
		Value: []byte(choose(m, modelNames)), IssuedAt: at(issued),
	}
	if m.chance(70) {
		d.ExpiresAt = at(issued + m.random.IntN(20))
	}
	return d
}

// expired says whether a document has expired at some time.
func expired(d storage.Document, now time.Time) bool {
	return !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now)
}

func (m *model) putDocument() {
	d := storage.NewDocument{Document: m.document()}
	id := documentID{d.Kind, d.ID}
	var met bool
	d.Guard, met = m.guard(d.Owner)
	if m.chance(40) {
		d.Limit = m.random.IntN(3) + 1
	}
	others := 0
	for _, o := range m.documents {
		if o.Kind == d.Kind && o.Owner == d.Owner && !expired(o, d.IssuedAt) {
			others++
		}
	}
	var expected error
	old, there := m.documents[id]
	switch {
	case !met:
		expected = storage.ErrGuard
	case there && !expired(old, d.IssuedAt):
		expected = storage.ErrExists
	case d.Limit > 0 && others >= d.Limit:
		expected = storage.ErrLimit
	}
	m.note("PutDocument %+v, guard %v", d, d.Guard)
	if !m.failed(m.store.PutDocument(m.t.Context(), d), expected) {
		m.documents[id] = d.Document
	}
}

func (m *model) takeDocument() {
	id := documentID{choose(m, modelKinds), choose(m, modelNames)}
	d, there := m.documents[id]
	var expected error
	if !there {
		expected = storage.ErrNotFound
	}
	m.note("TakeDocument %v", id)
	got, err := m.store.TakeDocument(m.t.Context(), id.kind, id.id)
	if !m.failed(err, expected) {
		want(m.t, "the document", got, d)
		delete(m.documents, id)
	}
}

func (m *model) swapDocument() {
	old, new := m.document(), storage.NewDocument{Document: m.document()}
	new.Kind, new.ID = old.Kind, old.ID
	id := documentID{old.Kind, old.ID}
	stored, there := m.documents[id]
	if m.chance(50) {
		old.Value = stored.Value
	}
	var met bool
	new.Guard, met = m.guard(new.Owner)
	var expected error
	switch {
	case !met:
		expected = storage.ErrGuard
	case !there:
		expected = storage.ErrNotFound
	case string(stored.Value) != string(old.Value):
		expected = storage.ErrConflict
	}
	m.note("SwapDocument %+v by %+v, guard %v", old, new, new.Guard)
	if !m.failed(m.store.SwapDocument(m.t.Context(), old, new), expected) {
		m.documents[id] = new.Document
	}
}

func (m *model) deleteDocuments() {
	owner := choose(m, append(modelDIDs, ""))
	kinds := modelKinds[:m.random.IntN(len(modelKinds)+1)]
	m.note("DeleteDocuments %s %v", owner, kinds)
	m.failed(m.store.DeleteDocuments(m.t.Context(), owner, kinds...), nil)
	maps.DeleteFunc(m.documents, func(id documentID, d storage.Document) bool {
		return owner != "" && d.Owner == owner && slices.Contains(kinds, id.kind)
	})
}

func (m *model) expireDocuments() {
	now := at(m.random.IntN(30))
	m.note("ExpireDocuments %v", now)
	got, err := m.store.ExpireDocuments(m.t.Context(), now, 1000)
	m.failed(err, nil)
	n := len(m.documents)
	maps.DeleteFunc(m.documents, func(_ documentID, d storage.Document) bool { return expired(d, now) })
	want(m.t, "number of documents removed", got, n-len(m.documents))
}

func (m *model) compareDocuments() {
	for _, kind := range modelKinds {
		for _, id := range modelNames {
			got, err := m.store.Document(m.t.Context(), kind, id)
			if d, there := m.documents[documentID{kind, id}]; there {
				ok(m.t, "Document", err)
				want(m.t, "Document", got, d)
			} else {
				fails(m.t, "Document", err, storage.ErrNotFound)
			}
		}
	}
	ds := slices.Collect(maps.Values(m.documents))
	for _, kind := range append(modelKinds, "") {
		for _, owner := range append(modelDIDs, syntax.DID("")) {
			r := storage.DocumentRange{Kind: kind, Owner: owner, Limit: m.random.IntN(5)}
			if kind != "" && m.chance(50) {
				r.After = choose(m, modelNames)
			}
			if kind != "" || owner != "" {
				wantDocuments(m.t, m.store, ds, r)
			}
		}
	}
}
