package pds_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

// nested returns the JSON of a record of so many levels.
func nested(levels int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1))
}

// TestRecordDepth: every way to write a record takes 32 levels. It refuses 33, says where and why,
// and stores nothing. That imports do so package repo tests.
func TestRecordDepth(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	one := func(method string) func(json.RawMessage) *response {
		return func(record json.RawMessage) *response {
			return alice.post(t, "com.atproto.repo."+method, map[string]any{
				"repo": alice.did, "collection": posts, "rkey": method, "record": record,
			})
		}
	}
	for method, write := range map[string]func(json.RawMessage) *response{
		"createRecord": one("createRecord"),
		"putRecord":    one("putRecord"),
		"applyWrites": func(record json.RawMessage) *response {
			return alice.post(t, "com.atproto.repo.applyWrites", map[string]any{"repo": alice.did, "writes": []any{
				map[string]any{"$type": "com.atproto.repo.applyWrites#create", "collection": posts, "rkey": "fine", "value": nested(1)},
				map[string]any{"$type": "com.atproto.repo.applyWrites#create", "collection": posts, "rkey": "deep", "value": record},
			}})
		},
	} {
		before := w.head(t, alice)
		for _, levels := range []int{33, 34, 1000, 9000} {
			res := write(nested(levels))
			res.refused(t, 400, "InvalidRequest", "/a/a/a/a")
			res.refused(t, 400, "InvalidRequest", "nested deeper than 32 levels")
		}
		if after := w.head(t, alice); after != before {
			t.Errorf("%s: what was refused has moved the head", method)
		}
		write(nested(32)).decode(t, nil)
	}
	var refused *xrpc.Error
	if _, _, err := w.Repo(alice.did).Put(t.Context(), posts, "go", nested(33)); !errors.As(err, &refused) || refused.Name != "InvalidRequest" {
		t.Errorf("Repo.Put of 33 levels: %v", err)
	}
	deep := pds.Write{Action: repo.Create, Collection: posts, Value: nested(33)}
	if _, err := w.Repo(alice.did).Apply(t.Context(), deep); !errors.As(err, &refused) || refused.Name != "InvalidRequest" {
		t.Errorf("Repo.Apply of 33 levels: %v", err)
	}
	for _, levels := range []int{31, 32} {
		if _, _, err := w.Repo(alice.did).Put(t.Context(), posts, "go", nested(levels)); err != nil {
			t.Errorf("Repo.Put of %d levels: %v", levels, err)
		}
	}
}

// head is the newest commit of a user's repo, and the newest event.
func (w *world) head(t *testing.T, u *user) (head struct {
	commit string
	seq    int64
}) {
	t.Helper()
	h, err := w.config.Store.Head(t.Context(), u.did)
	if err == nil {
		head.seq, err = w.config.Store.LastSeq(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	head.commit = h.Commit.String()
	return head
}
