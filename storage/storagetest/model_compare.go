package storagetest

import (
	"fmt"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// compare reads everything.
func (m *model) compare() {
	m.t.Helper()
	m.compareAccounts()
	m.compareDue()
	m.compareEvents()
	m.compareDocuments()
	m.compareMembers()
	for _, did := range modelDIDs {
		if m.repos[did] == nil {
			wantNoRepo(m.t, m.store, did)
		} else {
			wantRepo(m.t, m.store, m.repos[did])
		}
		m.compareTakedowns(did)
		m.compareRange(did)
		m.compareBlobs(did)
	}
}

func (m *model) compareAccounts() {
	ctx := m.t.Context()
	var hosted []storage.Hosted
	for _, a := range m.accounts {
		hosted = append(hosted, storage.Hosted{Account: a, Head: m.repos[a.DID].head})
	}
	want(m.t, "ListAccounts", all(m.t, "ListAccounts", m.store.ListAccounts(ctx, 0, 100)), hosted)
	find := func(what string, got storage.Account, err error, is func(storage.Account) bool) {
		m.t.Helper()
		if i := slices.IndexFunc(m.accounts, is); i >= 0 {
			ok(m.t, what, err)
			want(m.t, what, got, m.accounts[i])
			return
		}
		fails(m.t, what, err, storage.ErrNotFound)
	}
	for _, did := range modelDIDs {
		got, err := m.store.Account(ctx, did)
		find("Account", got, err, func(a storage.Account) bool { return a.DID == did })
	}
	for _, handle := range modelHandles {
		got, err := m.store.AccountByHandle(ctx, handle)
		find("AccountByHandle", got, err, func(a storage.Account) bool { return handle != "" && a.Handle == handle })
	}
	for _, email := range modelEmails {
		got, err := m.store.AccountByEmail(ctx, email)
		find("AccountByEmail", got, err, func(a storage.Account) bool { return email != "" && a.Email == email })
	}
}

// compareDue reads the accounts that are due at some time.
func (m *model) compareDue() {
	now, limit := choose(m, modelTimes), m.random.IntN(4)+1
	var due []storage.Account
	for _, a := range m.accounts {
		if !a.DeactivatedAt.IsZero() && !a.DeleteAfter.IsZero() && !a.DeleteAfter.After(now) {
			due = append(due, a)
		}
	}
	slices.SortStableFunc(due, func(a, b storage.Account) int { return a.DeleteAfter.Compare(b.DeleteAfter) })
	var dids []syntax.DID
	for _, a := range due[:min(limit, len(due))] {
		dids = append(dids, a.DID)
	}
	want(m.t, "the accounts whose time has come", all(m.t, "DueAccounts", m.store.DueAccounts(m.t.Context(), now, limit)), dids)
}

func (m *model) compareEvents() {
	ctx := m.t.Context()
	log := events(m.t, m.store)
	want(m.t, "number of events", len(log), len(m.events))
	last := int64(0)
	for i, e := range log {
		if m.events[i].Seq == 0 { // it's one whose number wasn't returned
			m.events[i].Seq = e.Seq
		}
		if e.Seq <= last {
			m.t.Fatalf("event %d comes after %d", e.Seq, last)
		}
		last = e.Seq
	}
	want(m.t, "ListEvents", log, m.events)
	want(m.t, "LastSeq", must(m.store.LastSeq(ctx))(m.t), m.lastSeq)
	after, limit := m.random.IntN(len(log)+1), m.random.IntN(9)+1
	var seq int64
	if after > 0 {
		seq = log[after-1].Seq
	}
	page := storage.EventRange{After: seq, Limit: limit}
	want(m.t, "a page of events", all(m.t, "ListEvents", m.store.ListEvents(ctx, page)), log[after:min(after+limit, len(log))])
	page.DID = choose(m, modelDIDs)
	of := slices.DeleteFunc(slices.Clone(log[after:]), func(e storage.Event) bool { return e.DID != page.DID })
	want(m.t, "a page of an account's events", all(m.t, "ListEvents", m.store.ListEvents(ctx, page)), of[:min(limit, len(of))])
	if after < len(log) {
		ok(m.t, "WaitEvents", m.store.WaitEvents(ctx, seq))
	}
}

func (m *model) compareRange(did syntax.DID) {
	in := storage.RecordRange{Reverse: m.chance(50), Limit: m.random.IntN(5)}
	if m.chance(80) {
		in.Collection = syntax.NSID(choose(m, modelCollections))
		in.After = syntax.RecordKey(choose(m, append(modelNames, "")))
		in.Before = syntax.RecordKey(choose(m, append(modelNames, "")))
	}
	switch {
	case in.Collection != "" && m.chance(30):
		in.Subject = choose(m, modelSubjects[1:])
	case m.chance(30):
		in.Blob = blobOf(choose(m, modelBlobs))
	}
	wantIndexed(m.t, m.store, m.tree(did), in)
}

// compareMembers reads a random page of the repos with each collection.
func (m *model) compareMembers() {
	for _, collection := range modelCollections {
		var members []syntax.DID
		for did, r := range m.repos {
			if slices.Contains(r.collections(), collection) {
				members = append(members, did)
			}
		}
		slices.Sort(members)
		after, limit := syntax.DID(""), m.random.IntN(5)+1
		if m.chance(50) {
			after = choose(m, modelDIDs)
			members = slices.DeleteFunc(members, func(did syntax.DID) bool { return did <= after })
		}
		got := all(m.t, "ListByCollection", m.store.ListByCollection(m.t.Context(), syntax.NSID(collection), after, limit))
		want(m.t, "the repos with "+collection, got, members[:min(limit, len(members))])
	}
}

func (m *model) compareBlobs(did syntax.DID) {
	ctx := m.t.Context()
	for _, data := range modelBlobs {
		id := storage.BlobID{DID: did, CID: blobOf(data)}
		got, err := m.store.Blob(ctx, did, id.CID)
		if m.has(id) {
			ok(m.t, "Blob", err)
			want(m.t, "Blob", got, m.blobs[id].Blob)
		} else {
			fails(m.t, "Blob", err, storage.ErrNotFound)
		}
	}
	has := func(ref storage.BlobRef) bool { return m.has(storage.BlobID{DID: did, CID: ref.CID}) }
	for range 6 { // a random page
		r := m.tree(did)
		in := storage.BlobRange{Missing: m.chance(50), Limit: m.random.IntN(6)}
		if r.commits > 0 && m.chance(50) {
			in.Since = testRev(m.random.IntN(r.commits) + 1)
		}
		if m.chance(50) {
			in.After = blobOf(choose(m, modelBlobs)).String()
		}
		got := all(m.t, "ListBlobs", m.store.ListBlobs(ctx, did, in))
		want(m.t, fmt.Sprintf("ListBlobs in %+v", in), got, r.blobsIn(in, has))
	}
}

// compareTakedowns lists an account's takedowns.
func (m *model) compareTakedowns(did syntax.DID) {
	var down []string
	for _, data := range modelBlobs {
		if id := (storage.BlobID{DID: did, CID: blobOf(data)}); m.has(id) && m.blobs[id].TakedownRef != "" {
			down = append(down, data)
		}
	}
	wantTakedowns(m.t, m.store, m.tree(did), down...)
}
