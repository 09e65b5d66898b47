package storagetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
)

// compare reads everything.
func (m *model) compare() {
	m.t.Helper()
	m.compareAccounts()
	m.compareDue()
	m.compareEvents()
	m.compareTokens()
	m.compareMembers()
	for _, did := range modelDIDs {
		if m.repos[did] == nil {
			wantNoRepo(m.t, m.store, did)
		} else {
			wantRepo(m.t, m.store, m.repos[did])
		}
		wantTakedowns(m.t, m.store, m.tree(did))
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
		set, err := m.store.Preferences(ctx, did)
		if m.account(did) == nil {
			fails(m.t, "Preferences", err, storage.ErrNotFound)
		} else {
			ok(m.t, "Preferences", err)
			want(m.t, "Preferences", string(set), m.preferences[did])
		}
		sealed, err := m.store.Key(ctx, string(did))
		if want, there := m.keys[string(did)]; !there {
			fails(m.t, "Key", err, storage.ErrNotFound)
		} else if err != nil || string(sealed) != want {
			m.t.Fatalf("Key is %q, %v, want %q", sealed, err, want)
		}
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
	want(m.t, "a page of events", all(m.t, "ListEvents", m.store.ListEvents(ctx, seq, limit)),
		log[after:min(after+limit, len(log))])
}

func (m *model) compareTokens() {
	ctx := m.t.Context()
	byDID := make(map[tokenID][]storage.Token)
	for _, kind := range modelKinds {
		for _, id := range modelNames { // in order
			got, err := m.store.Token(ctx, kind, id)
			if token, there := m.tokens[tokenID{kind, id}]; there {
				ok(m.t, "Token", err)
				want(m.t, "Token", got, token)
				owner := tokenID{kind, string(token.DID)}
				byDID[owner] = append(byDID[owner], token)
			} else {
				fails(m.t, "Token", err, storage.ErrNotFound)
			}
		}
		for _, did := range modelDIDs {
			want(m.t, "ListTokens", all(m.t, "ListTokens", m.store.ListTokens(ctx, kind, did)), byDID[tokenID{kind, string(did)}])
		}
	}
}

func (m *model) compareRange(did syntax.DID) {
	in := storage.RecordRange{Reverse: m.chance(50), Limit: m.random.IntN(5)}
	if m.chance(80) {
		in.Collection = syntax.NSID(choose(m, modelCollections))
		in.After = syntax.RecordKey(choose(m, append(modelNames, "")))
		in.Before = syntax.RecordKey(choose(m, append(modelNames, "")))
	}
	all := slices.Collect(maps.Keys(m.tree(did).records))
	want(m.t, fmt.Sprintf("Records in %+v", in), paths(m.t, m.store, did, in), inRange(all, in))
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
	var down []string
	for _, data := range modelBlobs {
		if id := (storage.BlobID{DID: did, CID: blobOf(data)}); m.has(id) && m.blobs[id].TakedownRef != "" {
			down = append(down, data)
		}
	}
	wantBlobTakedowns(m.t, m.store, did, down...)
	for range 3 {
		m.compareBlobPages(did)
	}
}

// compareBlobPages reads a random page of each listing.
func (m *model) compareBlobPages(did syntax.DID) {
	ctx := m.t.Context()
	page := func(ss []string) (after string, limit int, rest []string) {
		limit = m.random.IntN(6) + 1
		if len(ss) > 0 && m.chance(50) {
			i := m.random.IntN(len(ss))
			after, ss = ss[i], ss[i+1:]
		}
		return after, limit, ss[:min(limit, len(ss))]
	}
	since := syntax.TID("")
	if r := m.tree(did); r.commits > 0 && m.chance(50) {
		since = testRev(m.random.IntN(r.commits) + 1)
	}
	after, limit, rest := page(m.references(did, since))
	want(m.t, "ListBlobs", cidStrings(all(m.t, "ListBlobs", m.store.ListBlobs(ctx, did, since, after, limit))), rest)

	var missing, got []string
	for _, s := range m.references(did, "") {
		if c, err := cid.Decode(s); err == nil && !m.has(storage.BlobID{DID: did, CID: c}) {
			missing = append(missing, s)
		}
	}
	after, limit, rest = page(missing)
	for _, ref := range all(m.t, "ListMissingBlobs", m.store.ListMissingBlobs(ctx, did, after, limit)) {
		got = append(got, ref.CID.String())
		if !slices.Contains(m.tree(did).records[ref.Path].blobs, ref.CID) {
			m.t.Fatalf("ListMissingBlobs says that %s refers to %s", ref.Path, ref.CID)
		}
	}
	want(m.t, "ListMissingBlobs", got, rest)
}
