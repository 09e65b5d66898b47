package pds_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// TestRepoApply: a host's writes are one commit with one event.
func TestRepoApply(t *testing.T) {
	p := pdstest.New(t)
	r := p.Repo(p.Account(t, "alice").DID)
	if _, _, err := r.Put(t.Context(), "com.example.note", "old", note{Text: "old"}); err != nil {
		t.Fatal(err)
	}
	last, err := p.Config.Store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	written, err := r.Apply(t.Context(),
		pds.Write{Action: repo.Create, Collection: "com.example.note", Value: note{Text: "new"}},
		pds.Write{Action: repo.Delete, Collection: "com.example.note", RecordKey: "old"},
		pds.Write{Action: repo.Put, Collection: "com.example.note", RecordKey: "put", Value: note{Text: "put"}})
	if err != nil {
		t.Fatal(err)
	}
	notes := pds.Records[note]{Repo: r, Collection: "com.example.note"}
	for i, want := range []string{"new", "", "put"} {
		n, err := notes.Get(t.Context(), written[i].URI.RecordKey())
		if want == "" {
			if !errors.Is(err, storage.ErrNotFound) || written[i].CID.Defined() {
				t.Errorf("what was deleted: %v, %v", err, written[i])
			}
		} else if n.Value.Text != want || n.CID != written[i].CID || n.URI != written[i].URI {
			t.Errorf("record %d is %+v, %v", i, n, err)
		}
	}
	e := p.Wait(t, last, func(firehose.Event) bool { return true })
	var ops []string
	for _, op := range e.Commit.Ops {
		ops = append(ops, string(op.Action))
	}
	if diff := cmp.Diff([]string{"create", "delete", "create"}, ops); diff != "" {
		t.Errorf("the event's operations (-want +got):\n%s", diff)
	}
}

// TestRepoApplyRefused: of writes of which one isn't possible, none is done.
func TestRepoApplyRefused(t *testing.T) {
	p := pdstest.New(t)
	r := p.Repo(p.Account(t, "alice").DID)
	_, first, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "second"}); err != nil {
		t.Fatal(err)
	}
	rev, err := r.Rev(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := pds.Write{Action: repo.Create, Collection: "com.example.note", Value: note{Text: "good"}}
	put := pds.Write{Action: repo.Put, Collection: "com.example.note", RecordKey: "a", Value: note{Text: "third"}}
	stale, there := put, put
	stale.Swap, there.Swap = &first, &cid.Undef
	update := put
	update.Action, update.RecordKey = repo.Update, "missing"
	for want, bad := range map[string][]pds.Write{
		"InvalidSwap":           {stale},
		"InvalidSwap: Record":   {there},
		"Could not find record": {update},
		"same record":           {put, put},
		"Max: 200":              make([]pds.Write, 201),
		"must be an object":     {{Action: repo.Create, Collection: "com.example.note", Value: 7}},
		"Invalid write":         {{Action: repo.Create, Collection: "no NSID", Value: put.Value}},
	} {
		_, err := r.Apply(t.Context(), append([]pds.Write{good}, bad...)...)
		var e *xrpc.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := r.Apply(t.Context(), pds.Write{Action: repo.Put, Collection: "com.example.note", Value: func() {}}); err == nil {
		t.Error("a function was written")
	}
	if now, err := r.Rev(t.Context()); now != rev || err != nil {
		t.Errorf("the rev is %s, %v, and was %s", now, err, rev)
	}
}

// TestHostWritesAcrossDecision: a host's write depends on no session, so it succeeds although the
// password changes meanwhile. After a takedown it fails.
func TestHostWritesAcrossDecision(t *testing.T) {
	w, store := startMeddling(t)
	alice := w.signUp(t, "alice")
	decide := func(change func(*storage.Account)) {
		store.once("Commit", "", func() error {
			_, err := store.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
				a.Epoch++
				change(a)
				return nil
			})
			return err
		})
	}
	decide(func(a *storage.Account) { a.SessionEpoch++ })
	if _, _, err := w.Repo(alice.did).Put(t.Context(), "com.example.note", "a", object{}); err != nil {
		t.Errorf("after a new password: %v", err)
	}
	decide(func(a *storage.Account) { a.TakedownRef = "x" })
	_, _, err := w.Repo(alice.did).Put(t.Context(), "com.example.note", "b", object{})
	if !errors.Is(err, auth.ErrAccountTakedown) {
		t.Errorf("after a takedown: %v", err)
	}
}
