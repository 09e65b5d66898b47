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
	if old != nil && old.orphaned && !old.claimed {
		return // whether a new upload takes it off the queue is for the backend to say
	}
	var expected []error
	if old != nil && old.claimed {
		expected = []error{storage.ErrConflict}
	}
	m.note("PutBlob %+v", b)
	if m.failedAs(m.store.PutBlob(m.t.Context(), b), expected) {
		return
	}
	if old == nil {
		b.Referenced = len(m.tree(b.DID).referring(b.CID)) > 0
		m.blobs[id] = &modelBlob{Blob: b}
		return
	}
	old.CreatedAt = b.CreatedAt
	if !old.Referenced {
		old.MIMEType = b.MIMEType
	}
}

func (m *model) setBlobTakedown() {
	id := storage.BlobID{DID: choose(m, modelDIDs), CID: blobOf(choose(m, modelBlobs))}
	ref := choose(m, []string{"", "", "ref"})
	if b := m.blobs[id]; b != nil && b.claimed {
		return // it's too late
	}
	var expected []error
	if m.blobs[id] == nil {
		expected = []error{storage.ErrNotFound}
	}
	m.note("SetBlobTakedown %v %q", id, ref)
	if !m.failedAs(m.store.SetBlobTakedown(m.t.Context(), id.DID, id.CID, ref), expected) {
		m.blobs[id].TakedownRef = ref
	}
}

func (m *model) claimBlobs() {
	before, limit := at(m.random.IntN(30)), m.random.IntN(6)+1
	m.note("ClaimBlobs before %v, limit %d", before, limit)
	ids, err := m.store.ClaimBlobs(m.t.Context(), before, limit)
	m.failedAs(err, nil)
	m.claimed(ids, before, limit)
}

// claimed notes which blobs the store has claimed, and fails the test if they aren't some of those that it should.
func (m *model) claimed(ids []storage.BlobID, before time.Time, limit int) {
	m.t.Helper()
	due := make(map[storage.BlobID]bool)
	for id, b := range m.blobs {
		temporary := !b.Referenced && !b.orphaned
		if b.claimed || b.TakedownRef == "" && (b.orphaned || temporary && b.CreatedAt.Before(before)) {
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
	m.note("RemoveBlob %v", id)
	m.failedAs(m.store.RemoveBlob(m.t.Context(), id), nil)
	if b := m.blobs[id]; b != nil && b.claimed {
		delete(m.blobs, id)
	}
}
