package storagetest

import (
	"slices"

	"github.com/pdskit/pdskit/storage"
)

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
