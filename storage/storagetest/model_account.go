package storagetest

import (
	"errors"
	"maps"
	"slices"

	"github.com/pdskit/pdskit/storage"
)

func (m *model) createAccount() {
	did := choose(m, modelDIDs)
	a := storage.NewAccount{Account: storage.Account{
		DID: did, Handle: choose(m, modelHandles), Email: choose(m, modelEmails), PasswordHash: "hash",
		CreatedAt: at(m.random.IntN(99)),
	}}
	c, r := emptyTree(did).commit(m.writes(false)...)
	a.Commit = c
	if m.chance(30) {
		use := storage.DocumentSwap{Old: m.document(), New: m.document()}
		use.New.Kind, use.New.ID = use.Old.Kind, use.Old.ID
		a.Invite = &use
	}
	expected := m.refusal(a)
	m.note("CreateAccount %s %q %q, invite %v", did, a.Account.Handle, a.Account.Email, a.Invite)
	id, err := m.store.CreateAccount(m.t.Context(), a)
	if m.failed(err, expected) {
		return
	}
	if id <= m.lastID {
		m.t.Fatalf("CreateAccount gave ID %d after %d", id, m.lastID)
	}
	m.lastID, a.Account.ID = id, id
	m.accounts = append(m.accounts, a.Account)
	if a.Invite != nil {
		m.documents[documentID{a.Invite.New.Kind, a.Invite.New.ID}] = a.Invite.New
	}
	m.setTree(r)
	m.events = append(m.events, c.Events...)
	m.lastSeq = must(m.store.LastSeq(m.t.Context()))(m.t)
	m.events[len(m.events)-1].Seq = m.lastSeq
}

// refusal returns the error that the creation of an account meets.
func (m *model) refusal(a storage.NewAccount) error {
	did := a.Account.DID
	if m.account(did) != nil || m.repos[did] != nil {
		return storage.ErrExists
	}
	if err := m.taken(did, a.Account.Handle, a.Account.Email); err != nil {
		return err
	}
	if a.Invite == nil {
		return nil
	}
	old, there := m.documents[documentID{a.Invite.Old.Kind, a.Invite.Old.ID}]
	if !there || string(old.Value) != string(a.Invite.Old.Value) {
		return storage.ErrConflict
	}
	return nil
}

func (m *model) updateAccount() {
	did, refusal := choose(m, modelDIDs), errors.New("refused")
	handle, email, refused := choose(m, modelHandles), choose(m, modelEmails), m.chance(10)
	deactivated, deleteAfter := choose(m, modelTimes), choose(m, modelTimes)
	down, epoch := choose(m, modelRefs), int64(m.random.IntN(3))
	var e []storage.Event
	for range m.random.IntN(3) {
		e = append(e, testEvent(did, storage.EventAccount, m.random.IntN(99)))
	}
	change := func(a *storage.Account) error {
		a.Handle, a.Email, a.DeactivatedAt, a.DeleteAfter = handle, email, deactivated, deleteAfter
		a.TakedownRef, a.Epoch, a.SessionEpoch = down, epoch, epoch/2
		if refused {
			return refusal
		}
		return nil
	}
	var expected error
	switch {
	case m.account(did) == nil:
		expected = storage.ErrNotFound
	case refused:
		expected = refusal
	default:
		expected = m.taken(did, handle, email)
	}
	m.note("UpdateAccount %s %q %q, epoch %d, %d events", did, handle, email, epoch, len(e))
	seq, err := m.store.UpdateAccount(m.t.Context(), did, change, e...)
	if expected == storage.ErrHandleTaken && errors.Is(err, m.taken(did, "", email)) {
		expected = storage.ErrEmailTaken // no order is promised
	}
	if m.failed(err, expected) {
		return
	}
	ok(m.t, "change", change(m.account(did)))
	m.appended(seq, e...)
}

func (m *model) deleteAccount() {
	ctx, did := m.t.Context(), choose(m, modelDIDs)
	if m.account(did) == nil {
		m.note("DeleteAccount %s, which isn't there", did)
		seq, err := m.store.DeleteAccount(ctx, did, testEvent(did, storage.EventAccount, 1))
		m.failed(err, nil)
		want(m.t, "the number", seq, 0)
		return
	}
	e := testEvent(did, storage.EventAccount, m.random.IntN(99))
	m.note("DeleteAccount %s", did)
	seq, err := m.store.DeleteAccount(ctx, did, e)
	m.failed(err, nil)
	m.accounts = slices.DeleteFunc(m.accounts, func(a storage.Account) bool { return a.DID == did })
	delete(m.repos, did)
	maps.DeleteFunc(m.documents, func(_ documentID, d storage.Document) bool { return d.Owner == did })
	m.events = slices.DeleteFunc(m.events, func(e storage.Event) bool { return e.DID == did })
	m.appended(seq, e)
	for id, b := range m.blobs {
		if id.DID == did {
			b.deleted = true
		}
	}
}
