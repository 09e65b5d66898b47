package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// step does one random operation to the model and to the store.
func (m *model) step() {
	steps := []struct {
		weight int
		do     func()
	}{
		{3, m.createAccount}, {3, m.updateAccount}, {1, m.deleteAccount}, {12, m.commit}, {2, m.replace},
		{2, m.appendEvents}, {1, m.trimEvents}, {4, m.putToken}, {2, m.takeToken}, {2, m.swapToken}, {1, m.deleteTokens},
		{1, m.expireTokens}, {2, m.putKey}, {1, m.deleteKey}, {5, m.putBlob}, {1, m.setBlobTakedown}, {2, m.claimBlobs},
		{2, m.removeBlob},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := m.random.IntN(total)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do()
			return
		}
	}
}

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
	var e []storage.Event
	for range m.random.IntN(3) {
		e = append(e, testEvent(did, storage.EventAccount, m.random.IntN(99)))
	}
	change := func(a *storage.Account) error {
		a.Handle, a.Email, a.DeactivatedAt = handle, email, at(5)
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

// writes returns random writes of records, with blobs if they may be missing.
func (m *model) writes(blobs bool) (writes []storage.RecordWrite) {
	for range m.random.IntN(4) {
		path := choose(m, modelCollections) + "/" + choose(m, modelNames)
		if slices.ContainsFunc(writes, func(w storage.RecordWrite) bool { return w.Path == path }) {
			continue
		}
		if m.chance(30) {
			writes = append(writes, del(path))
			continue
		}
		var refs []cid.Cid
		for range m.random.IntN(3) {
			if c := blobOf(choose(m, modelBlobs)); blobs && !slices.Contains(refs, c) {
				refs = append(refs, c)
			}
		}
		writes = append(writes, put(path, fmt.Sprint(m.random.IntN(4)), refs...))
	}
	return writes
}

// missing returns the error of a commit that refers to blobs that aren't there.
func (m *model) missing(c storage.Commit) []error {
	for _, w := range c.Writes {
		for _, b := range w.Blobs {
			if !c.AllowMissingBlobs && !m.has(storage.BlobID{DID: c.Head.DID, CID: b}) {
				return []error{storage.ErrNotFound}
			}
		}
	}
	return nil
}

func (m *model) commit() {
	did := choose(m, modelDIDs)
	if m.account(did) == nil {
		did = choose(m, modelDIDs) // most commits are to repos that are there
	}
	if m.account(did) == nil {
		return // a repo without an account isn't what a server makes
	}
	r := m.tree(did)
	c, next := r.commit(m.writes(true)...)
	c.AllowMissingBlobs = m.chance(50)
	expected := m.missing(c)
	if m.chance(10) {
		c.Prev = choose(m, []cid.Cid{cid.Undef, blobOf("no commit"), r.head.Data})
		expected = append(expected, storage.ErrConflict)
	}
	m.note("Commit %s, prev %s, allow missing %v, %d nodes, %d dropped, %s", did, c.Prev, c.AllowMissingBlobs,
		len(c.NewNodes), len(c.DropNodes), describe(c.Writes))
	seq, err := m.store.Commit(m.t.Context(), c)
	if m.failedAs(err, expected) {
		return
	}
	m.setTree(next)
	m.appended(seq, c.Events...)
}

func describe(writes []storage.RecordWrite) (s string) {
	for _, w := range writes {
		s += fmt.Sprintf(" %s=%v%v", w.Path, w.CID, cidStrings(w.Blobs))
	}
	return s
}

func (m *model) replace() {
	did := choose(m, modelDIDs)
	if m.account(did) == nil {
		return
	}
	writes := slices.DeleteFunc(m.writes(true), func(w storage.RecordWrite) bool { return !w.CID.Defined() })
	c, rows, next := m.tree(did).replace(writes...)
	var expected []error
	yielded := len(rows)
	failure := errors.New("rows failed")
	if m.chance(20) {
		yielded, expected = m.random.IntN(len(rows)), []error{failure}
	} else if m.chance(10) {
		c.Prev, expected = blobOf("no commit"), []error{storage.ErrConflict}
	}
	m.note("Replace %s, prev %s, %d of %d rows, %s", did, c.Prev, yielded, len(rows), describe(writes))
	seq, err := m.store.Replace(m.t.Context(), c, func(yield func(storage.Row, error) bool) {
		for _, r := range rows[:yielded] {
			if !yield(r, nil) {
				return
			}
		}
		if yielded < len(rows) {
			yield(storage.Row{}, failure)
		}
	})
	if errors.Is(err, failure) {
		err = failure // it may be wrapped
	}
	if m.failedAs(err, expected) {
		return
	}
	m.setTree(next)
	m.appended(seq, c.Events...)
}

func (m *model) appendEvents() {
	var e []storage.Event
	for range m.random.IntN(4) {
		e = append(e, testEvent(choose(m, modelDIDs), storage.EventSync, m.random.IntN(99)))
	}
	// Without a repo there's no #sync to follow, so that Check knows what to look for.
	e = slices.DeleteFunc(e, func(e storage.Event) bool { return m.repos[e.DID] == nil })
	m.note("AppendEvents, %d events", len(e))
	seq, err := m.store.AppendEvents(m.t.Context(), e...)
	m.failedAs(err, nil)
	m.appended(seq, e...)
}

func (m *model) trimEvents() {
	before, limit := at(m.random.IntN(99)), m.random.IntN(5)+1
	n := 0
	for n < min(limit, len(m.events)) && m.events[n].Time.Before(before) {
		n++
	}
	for _, e := range m.events[n:] {
		if e.Time.Before(before) {
			return // the times aren't in the order of the log, and what is the oldest is for the backend to say
		}
	}
	m.note("TrimEvents before %v, limit %d", before, limit)
	got, err := m.store.TrimEvents(m.t.Context(), before, limit)
	m.failedAs(err, nil)
	want(m.t, "number of events removed", got, n)
	m.events = m.events[n:]
}

// token returns a random one, most of whose parts are those of others.
func (m *model) token() storage.Token {
	issued := m.random.IntN(20)
	return storage.Token{
		Kind: choose(m, modelKinds), ID: choose(m, modelNames), DID: choose(m, modelDIDs),
		Value: []byte(choose(m, modelNames)), IssuedAt: at(issued), ExpiresAt: at(issued + m.random.IntN(20)),
	}
}

func (m *model) putToken() {
	token := m.token()
	id := tokenID{token.Kind, token.ID}
	var expected []error
	if old, there := m.tokens[id]; there && old.ExpiresAt.After(token.IssuedAt) {
		expected = []error{storage.ErrExists}
	}
	m.note("PutToken %+v", token)
	if !m.failedAs(m.store.PutToken(m.t.Context(), token), expected) {
		m.tokens[id] = token
	}
}

func (m *model) takeToken() {
	id := tokenID{choose(m, modelKinds), choose(m, modelNames)}
	token, there := m.tokens[id]
	var expected []error
	if !there {
		expected = []error{storage.ErrNotFound}
	}
	m.note("TakeToken %v", id)
	got, err := m.store.TakeToken(m.t.Context(), id.kind, id.id)
	if !m.failedAs(err, expected) {
		want(m.t, "the token", got, token)
		delete(m.tokens, id)
	}
}

func (m *model) swapToken() {
	old, new := m.token(), m.token()
	new.Kind, new.ID = old.Kind, old.ID
	id := tokenID{old.Kind, old.ID}
	stored, there := m.tokens[id]
	if m.chance(50) {
		old.Value = stored.Value
	}
	var expected []error
	if !there {
		expected = []error{storage.ErrNotFound}
	} else if string(stored.Value) != string(old.Value) {
		expected = []error{storage.ErrConflict}
	}
	m.note("SwapToken %+v by %+v", old, new)
	if !m.failedAs(m.store.SwapToken(m.t.Context(), old, new), expected) {
		m.tokens[id] = new
	}
}

func (m *model) deleteTokens() {
	did := choose(m, modelDIDs)
	kinds := modelKinds[:m.random.IntN(len(modelKinds)+1)]
	m.note("DeleteTokens %s %v", did, kinds)
	m.failedAs(m.store.DeleteTokens(m.t.Context(), did, kinds...), nil)
	for id, token := range m.tokens {
		if token.DID == did && (len(kinds) == 0 || slices.Contains(kinds, id.kind)) {
			delete(m.tokens, id)
		}
	}
}

func (m *model) expireTokens() {
	now := at(m.random.IntN(30))
	m.note("ExpireTokens %v", now)
	got, err := m.store.ExpireTokens(m.t.Context(), now, 1000)
	m.failedAs(err, nil)
	n := 0
	for id, token := range m.tokens {
		if !token.ExpiresAt.After(now) {
			delete(m.tokens, id)
			n++
		}
	}
	want(m.t, "number of tokens removed", got, n)
}

func (m *model) putKey() {
	name, sealed := string(choose(m, modelDIDs)), choose(m, modelNames)
	var expected []error
	if old, there := m.keys[name]; there && old != sealed {
		expected = []error{storage.ErrExists}
	}
	m.note("PutKey %s %s", name, sealed)
	if !m.failedAs(m.store.PutKey(m.t.Context(), name, []byte(sealed)), expected) {
		m.keys[name] = sealed
	}
}

func (m *model) deleteKey() {
	name := string(choose(m, modelDIDs))
	m.note("DeleteKey %s", name)
	m.failedAs(m.store.DeleteKey(m.t.Context(), name), nil)
	delete(m.keys, name)
}

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
