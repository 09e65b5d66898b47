package storagetest

import (
	"errors"
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
	expected := append(m.taken(did, a.Account.Handle, a.Account.Email), m.missing(c)...)
	if m.account(did) != nil || m.repos[did] != nil {
		expected = append(expected, storage.ErrExists)
	}
	if m.chance(30) {
		use := storage.TokenSwap{Old: m.token(), New: m.token()}
		use.New.Kind, use.New.ID = use.Old.Kind, use.Old.ID
		a.Invite = &use
		if old, there := m.tokens[tokenID{use.Old.Kind, use.Old.ID}]; !there || string(old.Value) != string(use.Old.Value) {
			expected = append(expected, storage.ErrConflict)
		}
	}
	m.note("CreateAccount %s %q %q, invite %v", did, a.Account.Handle, a.Account.Email, a.Invite)
	id, err := m.store.CreateAccount(m.t.Context(), a)
	if m.failedAs(err, expected) {
		return
	}
	if id <= m.lastID {
		m.t.Fatalf("CreateAccount gave ID %d after %d", id, m.lastID)
	}
	m.lastID, a.Account.ID = id, id
	m.accounts = append(m.accounts, a.Account)
	if a.Invite != nil {
		m.tokens[tokenID{a.Invite.New.Kind, a.Invite.New.ID}] = a.Invite.New
	}
	m.setTree(r)
	m.events = append(m.events, c.Events...)
	m.lastSeq = must(m.store.LastSeq(m.t.Context()))(m.t)
	m.events[len(m.events)-1].Seq = m.lastSeq
}

func (m *model) updateAccount() {
	did, refusal := choose(m, modelDIDs), errors.New("refused")
	handle, email, refused := choose(m, modelHandles), choose(m, modelEmails), m.chance(10)
	deactivated, deleteAfter := choose(m, modelTimes), choose(m, modelTimes)
	var e []storage.Event
	for range m.random.IntN(3) {
		e = append(e, testEvent(did, storage.EventAccount, m.random.IntN(99)))
	}
	change := func(a *storage.Account) error {
		a.Handle, a.Email, a.DeactivatedAt, a.DeleteAfter = handle, email, deactivated, deleteAfter
		if refused {
			return refusal
		}
		return nil
	}
	var expected []error
	switch {
	case m.account(did) == nil:
		expected = []error{storage.ErrNotFound}
	case refused:
		expected = []error{refusal}
	default:
		expected = m.taken(did, handle, email)
	}
	m.note("UpdateAccount %s %q %q, %d events", did, handle, email, len(e))
	seq, err := m.store.UpdateAccount(m.t.Context(), did, change, e...)
	if m.failedAs(err, expected) {
		return
	}
	ok(m.t, "change", change(m.account(did)))
	m.appended(seq, e...)
}

func (m *model) updatePreferences() {
	did, refusal := choose(m, modelDIDs), errors.New("refused")
	value, refused := choose(m, modelNames), m.chance(10)
	var expected []error
	switch {
	case m.account(did) == nil:
		expected = []error{storage.ErrNotFound}
	case refused:
		expected = []error{refusal}
	}
	m.note("UpdatePreferences %s %q", did, value)
	err := m.store.UpdatePreferences(m.t.Context(), did, func(old []byte) ([]byte, error) {
		want(m.t, "the preferences that are changed", string(old), m.preferences[did])
		if refused {
			return nil, refusal
		}
		return []byte(value), nil
	})
	if !m.failedAs(err, expected) {
		m.preferences[did] = value
	}
}

// deleteAccount also sees to it that the account's blobs are deleted.
func (m *model) deleteAccount() {
	ctx, did := m.t.Context(), choose(m, modelDIDs)
	if m.account(did) == nil {
		m.note("DeleteAccount %s, which isn't there", did)
		seq, err := m.store.DeleteAccount(ctx, did, testEvent(did, storage.EventAccount, 1))
		m.failedAs(err, nil)
		want(m.t, "the number", seq, 0)
		return
	}
	for id, b := range m.blobs {
		if id.DID == did && b.TakedownRef != "" && !b.claimed {
			ok(m.t, "SetBlobTakedown", m.store.SetBlobTakedown(ctx, did, id.CID, ""))
		}
	}
	e := testEvent(did, storage.EventAccount, m.random.IntN(99))
	m.note("DeleteAccount %s", did)
	seq, err := m.store.DeleteAccount(ctx, did, e)
	m.failedAs(err, nil)
	m.accounts = slices.DeleteFunc(m.accounts, func(a storage.Account) bool { return a.DID == did })
	delete(m.preferences, did)
	delete(m.repos, did)
	delete(m.keys, string(did))
	for id, token := range m.tokens {
		if token.DID == did {
			delete(m.tokens, id)
		}
	}
	m.events = slices.DeleteFunc(m.events, func(e storage.Event) bool { return e.DID == did })
	m.appended(seq, e)
	for id, b := range m.blobs {
		if id.DID == did {
			b.orphaned, b.Referenced, b.TakedownRef = true, false, ""
		}
	}
	ids := must(m.store.ClaimBlobs(ctx, at(0), 1000))(m.t)
	m.claimed(ids, at(0), 1000)
	for _, id := range ids {
		ok(m.t, "RemoveBlob", m.store.RemoveBlob(ctx, id))
		delete(m.blobs, id)
	}
}
