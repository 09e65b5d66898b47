package pds_test

import (
	"bytes"
	"context"
	"iter"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// meanwhile is a store in which something else happens right before an account is updated, or a repo replaced.
type meanwhile struct {
	storage.Store
	beforeUpdate, beforeReplace func() // each once; nil for nothing
}

func (s *meanwhile) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	if f := s.beforeUpdate; f != nil {
		s.beforeUpdate = nil
		f()
	}
	return s.Store.UpdateAccount(ctx, did, change, events...)
}

func (s *meanwhile) Replace(
	ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error],
) (int64, error) {
	if f := s.beforeReplace; f != nil {
		s.beforeReplace = nil
		f()
	}
	return s.Store.Replace(ctx, c, rows)
}

// Of a repo that is imported while its account is being activated, the network hears in any case.
func TestImportDuringActivation(t *testing.T) {
	store := &meanwhile{Store: memory.New()}
	w := start(t, func(c *pds.Config) { c.Store = store })
	alice := w.signUp(t, "alice")
	alice.create(t, "one")
	car := w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).body
	importRepo := func() {
		t.Helper()
		w.do(t, "POST", "/xrpc/com.atproto.repo.importRepo", alice.access, "application/vnd.ipld.car", bytes.NewReader(car)).decode(t, nil)
	}
	activate := func() {
		t.Helper()
		alice.post(t, "com.atproto.server.activateAccount", nil).decode(t, nil)
	}
	for name, run := range map[string]func(){
		"imported while it is activated": func() { store.beforeUpdate = importRepo; activate() },
		"activated while it is imported": func() { store.beforeReplace = activate; importRepo() },
	} {
		alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
		run()
		head, err := store.Head(t.Context(), alice.did)
		if err != nil {
			t.Fatal(err)
		}
		var told string
		for e, err := range store.ListEvents(t.Context(), 0, 0) {
			if err != nil {
				t.Fatal(err)
			}
			var msg comatproto.SyncSubscribeRepos_Sync
			if e.Kind == storage.EventSync && msg.UnmarshalCBOR(bytes.NewReader(e.Body)) == nil {
				told = msg.Rev
			}
		}
		if told != head.Rev.String() {
			t.Errorf("%s: the network knows rev %s, and it is %s", name, told, head.Rev)
		}
	}
}
