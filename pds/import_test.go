package pds_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/repo"
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
	importRepo := func() *response {
		return w.do(t, "POST", "/xrpc/com.atproto.repo.importRepo", alice.access, "application/vnd.ipld.car", bytes.NewReader(car))
	}
	activate := func() *response { return alice.post(t, "com.atproto.server.activateAccount", nil) }
	for name, run := range map[string]func() (other chan *response){
		"imported while it is activated": func() chan *response {
			other := make(chan *response, 1)
			store.beforeUpdate = func() { go func() { other <- importRepo() }() }
			activate().decode(t, nil)
			return other
		},
		"activated while it is imported": func() chan *response {
			other := make(chan *response, 1)
			store.beforeReplace = func() { go func() { other <- activate() }() }
			importRepo().decode(t, nil)
			return other
		},
	} {
		alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
		(<-run()).decode(t, nil)
		head, err := store.Head(t.Context(), alice.did)
		if err != nil {
			t.Fatal(err)
		}
		var told string
		for e, err := range store.ListEvents(t.Context(), storage.EventRange{}) {
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

// Between the look at the head that the #sync event of an activation names and the event itself there can be no commit: its
// own event would come before, and the log would go back to an older rev. Who writes then has looked at the account before it
// was deactivated.
func TestNoCommitDuringActivation(t *testing.T) {
	store := &meanwhile{Store: memory.New()}
	w := start(t, func(c *pds.Config) { c.Store = store })
	alice := w.signUp(t, "alice")
	alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	var err error
	store.beforeUpdate = func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // it waits for as long as it may
		defer cancel()
		_, err = w.Server.Engine().Apply(ctx, alice.did, repo.Batch{
			Ops: []repo.Op{{Action: repo.Create, Path: "com.example.note/a", Value: []byte{0xa0}}},
		})
	}
	alice.post(t, "com.atproto.server.activateAccount", nil).decode(t, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write during the activation: %v", err)
	}
	alice.create(t, "after it")
}
