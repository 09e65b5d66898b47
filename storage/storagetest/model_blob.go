package storagetest

import (
	"time"

	"github.com/pdskit/pdskit/storage"
)

func (m *model) putBlob() {
	b := testBlob(choose(m, modelDIDs), choose(m, modelBlobs), m.random.IntN(30))
	b.MIMEType = choose(m, modelNames)
	id := storage.BlobID{DID: b.DID, CID: b.CID}
	old := m.blobs[id]
	g, met := m.guard(b.DID)
	var expected error
	switch {
	case m.account(b.DID) == nil:
		expected = storage.ErrNotFound
	case !met:
		expected = storage.ErrGuard
	case old != nil && !m.has(id):
		expected = storage.ErrConflict
	}
	m.note("PutBlob %+v, guard %v", b, g)
	if m.failed(m.store.PutBlob(m.t.Context(), b, g), expected) {
		return
	}
	if old == nil {
		b.Referenced = len(m.tree(b.DID).referring(b.CID)) > 0
		m.blobs[id] = &modelBlob{Blob: b}
		return
	}
	old.CreatedAt = b.CreatedAt
	if !old.Referenced {
		old.MIMEType, old.orphaned = b.MIMEType, false
	}
}

func (m *model) setBlobTakedown() {
	id := storage.BlobID{DID: choose(m, modelDIDs), CID: blobOf(choose(m, modelBlobs))}
	ref := choose(m, []string{"", "", "ref"})
	var expected error
	if !m.has(id) {
		expected = storage.ErrNotFound
	}
	m.note("SetTakedown %v %q", id, ref)
	if !m.failed(m.store.SetTakedown(m.t.Context(), storage.Takedown{DID: id.DID, Blob: id.CID, Ref: ref}), expected) {
		m.blobs[id].TakedownRef = ref
	}
}

func (m *model) claimBlobs() {
	before, limit := at(m.random.IntN(30)), m.random.IntN(6)+1
	m.note("ClaimBlobs before %v, limit %d", before, limit)
	ids, err := m.store.ClaimBlobs(m.t.Context(), before, limit)
	m.failed(err, nil)
	m.claimed(ids, before, limit)
}

// claimed notes which blobs the store has claimed, and fails the test if they aren't some of those that it should.
func (m *model) claimed(ids []storage.BlobID, before time.Time, limit int) {
	m.t.Helper()
	due := make(map[storage.BlobID]bool)
	for id, b := range m.blobs {
		temporary := !b.Referenced && !b.orphaned
		if b.claimed || b.deleted || b.TakedownRef == "" && (b.orphaned || temporary && b.CreatedAt.Before(before)) {
			due[id] = true
		}
	}
	want(m.t, "number of blobs claimed", len(ids), min(limit, len(due)))
	for _, id := range ids {
		if !due[id] {
			m.t.Fatalf("ClaimBlobs returned %v, %+v", id, m.blobs[id])
		}
		delete(due, id) // none comes twice
		m.blobs[id].claimed = true
	}
}

func (m *model) removeBlob() {
	id := storage.BlobID{DID: choose(m, modelDIDs), CID: blobOf(choose(m, modelBlobs))}
	if b := m.blobs[id]; b != nil && b.deleted && !b.claimed {
		return // whether it is marked already is for the backend to say
	}
	m.note("RemoveBlob %v", id)
	m.failed(m.store.RemoveBlob(m.t.Context(), id), nil)
	if b := m.blobs[id]; b != nil && b.claimed {
		delete(m.blobs, id)
	}
}
