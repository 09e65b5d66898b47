package pds_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/patch"
)

// A host patches answers of its own services.
func TestHostsPatch(t *testing.T) {
	v := newView(t)
	w := start(t, v.serves(), func(c *pds.Config) {
		c.Proxy.Patches = []patch.Patch{
			{
				Method: "com.example.notes.list", Collections: []syntax.NSID{"com.example.note"},
				Apply: func(ctx context.Context, a *patch.Answer) error {
					switch a.Params.Get("do") {
					case "fail":
						a.Body["notes"] = "changed"
						return errors.New("no")
					case "panic":
						panic("no")
					}
					notes := a.Body["notes"].([]any)
					for _, r := range a.Records {
						notes = append(notes, r.Value["text"])
					}
					old, err := a.Record(ctx, "com.example.note", "one")
					a.Body["notes"], a.Body["old"] = notes, old["text"]
					return err
				},
			},
			{
				Method: "app.bsky.feed.getTimeline", Collections: []syntax.NSID{"app.bsky.feed.post"},
				Apply: func(_ context.Context, a *patch.Answer) error { a.Body["mine"] = true; return nil },
			},
		}
	})
	alice := w.signUp(t, "alice")
	alice.put(t, "com.example.note", "one", object{"text": "one"})
	for i := range 20 {
		_, v.rev = alice.put(t, "com.example.note", fmt.Sprint("x", i), object{"text": "known"})
	}
	alice.put(t, "com.example.note", "three", object{"text": "three"})
	alice.put(t, "com.example.note", "two", object{"text": "two"})
	alice.put(t, "com.example.note", "one", object{"text": "one again"}) // among many newer keys
	v.answers["com.example.notes.list"] = object{"notes": []any{"one"}}
	v.answers["app.bsky.feed.getTimeline"] = object{"feed": []any{}}
	for do, want := range map[string]string{
		"":      `{"notes":["one","three","two","one again"],"old":"one again"}`,
		"fail":  `{"notes":["one"]}`,
		"panic": `{"notes":["one"]}`,
	} {
		if res := alice.get(t, "com.example.notes.list", "do", do); res.status != 200 || strings.TrimSpace(string(res.body)) != want {
			t.Errorf("%q: got %s, want %s", do, res, want)
		}
	}
	alice.newPost(t, "x", nil)
	if res := alice.get(t, "app.bsky.feed.getTimeline"); !strings.Contains(string(res.body), `"mine":true`) {
		t.Errorf("got %s", res)
	}
}
