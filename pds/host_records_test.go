package pds_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type note struct {
	Text  string       `json:"text"`
	Image *atdata.Blob `json:"image,omitempty"`
}

func TestRecordsAndBlobs(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	notes := pds.Records[note]{Repo: p.Repo(alice.DID), Collection: "com.example.note"}
	blob, err := notes.Repo.PutBlob(t.Context(), "text/plain", strings.NewReader("an image, in words"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]note{"a": {Text: "first", Image: &blob}, "b": {Text: "second"}}
	for rkey, n := range want {
		uri, c, err := notes.Put(t.Context(), syntax.RecordKey(rkey), n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := notes.Get(t.Context(), syntax.RecordKey(rkey))
		if err != nil || got.URI != uri || got.CID != c || got.Rev == "" {
			t.Errorf("%s: got %+v, %v, want %s %s", rkey, got, err, uri, c)
		}
	}
	got := map[string]note{}
	for n, err := range notes.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[n.URI.RecordKey().String()] = n.Value
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b atdata.CIDLink) bool { return a == b })); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	content, err := notes.Repo.OpenBlob(t.Context(), cid.Cid(blob.Ref))
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if b, err := io.ReadAll(content); err != nil || string(b) != "an image, in words" {
		t.Errorf("the blob is %q, %v", b, err)
	}
	if err := notes.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := notes.Get(t.Context(), "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a deleted record: %v", err)
	}
	if _, err := p.Repo("did:plc:nobody").PutBlob(t.Context(), "", strings.NewReader("x")); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a blob of nobody's: %v", err)
	}
}

// TestRecordsOfOthersMaking: a record that isn't of the type is told of, and the rest is listed.
func TestRecordsOfOthersMaking(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	r := p.Repo(alice.DID)
	for rkey, value := range map[syntax.RecordKey]any{
		"a": map[string]any{"text": 1}, "b": note{Text: "good"}, "c": map[string]any{"text": "text", "teXt": "deceived"},
	} {
		if _, _, err := r.Put(t.Context(), "com.example.note", rkey, value); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for n, err := range (pds.Records[note]{Repo: r, Collection: "com.example.note"}).List(t.Context()) {
		if err != nil {
			got = append(got, n.URI.RecordKey().String()+" is no note")
			continue
		}
		got = append(got, n.Value.Text)
	}
	if diff := cmp.Diff([]string{"a is no note", "good", "text"}, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

// TestHostDeletesByKey: a key that was forgotten isn't made, or nothing would be deleted without a word.
func TestHostDeletesByKey(t *testing.T) {
	p := pdstest.New(t)
	alice := p.Account(t, "alice")
	err := p.Repo(alice.DID).Delete(t.Context(), "com.example.note", "")
	var e *xrpc.Error
	if !errors.As(err, &e) || e.Name != "InvalidRequest" {
		t.Errorf("got %v", err)
	}
}

// TestHostWritesToNoInactiveRepo: what the network isn't to be shown, no commit tells it, whoever writes.
func TestHostWritesToNoInactiveRepo(t *testing.T) {
	for _, test := range []struct {
		status storage.AccountStatus
		change func(*storage.Account)
		want   error
	}{
		{storage.StatusDeactivated, func(a *storage.Account) { a.DeactivatedAt = pdstest.Start }, auth.ErrAccountDeactivated},
		{storage.StatusTakendown, func(a *storage.Account) { a.TakedownRef = "case 1" }, auth.ErrAccountTakedown},
	} {
		t.Run(string(test.status), func(t *testing.T) {
			p := pdstest.New(t)
			r := p.Repo(p.Account(t, "alice").DID)
			uri, _, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "first"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Config.Store.UpdateAccount(t.Context(), uri.Authority().DID(), func(a *storage.Account) error {
				test.change(a)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			before, err := r.Rev(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.Put(t.Context(), "com.example.note", "a", note{Text: "second"}); !errors.Is(err, test.want) {
				t.Errorf("put: %v", err)
			}
			if err := r.Delete(t.Context(), "com.example.note", "a"); !errors.Is(err, test.want) {
				t.Errorf("delete: %v", err)
			}
			if after, err := r.Rev(t.Context()); err != nil || after != before {
				t.Errorf("there is a commit more, %v", err)
			}
		})
	}
	if err := pdstest.New(t).Repo("did:plc:nobody").Delete(t.Context(), "com.example.note", "a"); !errors.Is(err, auth.ErrAccountNotFound) {
		t.Errorf("nobody's: %v", err)
	}
}

// TestTakenDownRecords: the host reads them, and is told that they're not for others.
func TestTakenDownRecords(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	notes := pds.Records[note]{Repo: p.Server.Repo(alice.did), Collection: "com.example.note"}
	for _, text := range []string{"bad", "good"} {
		uri, c, err := notes.Put(t.Context(), syntax.RecordKey(text), note{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if text == "bad" {
			p.takedown(t, map[string]any{"$type": "com.atproto.repo.strongRef", "uri": uri, "cid": c.String()}, true)
		}
	}
	want := map[string]bool{"bad": true, "good": false}
	got := map[string]bool{}
	for n, err := range notes.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[n.Value.Text] = n.TakenDown
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("typed (-want +got):\n%s", diff)
	}
	for text, down := range want {
		r, err := notes.Repo.Get(t.Context(), notes.Collection, syntax.RecordKey(text))
		if err != nil || r.TakenDown != down {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
}
