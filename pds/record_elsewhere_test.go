package pds_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds"
)

// A record of a repo that isn't here is had from the service that is set for that, which is asked as by anybody.
func TestRecordElsewhere(t *testing.T) {
	const method, elsewhere = "com.atproto.repo.getRecord", "did:web:elsewhere.example"
	view := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("rkey") == "a" {
			ok(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":"RecordNotFound","message":"The view has none"}`)
	})
	w := start(t, view.serves(), func(c *pds.Config) { c.Proxy.RequestHeaders = []string{"Authorization"} })
	alice := w.signUp(t, "alice")
	for _, token := range []string{"", alice.access} {
		r := w.get(t, token, method, "repo", elsewhere, "collection", "com.example.note", "rkey", "a")
		if r.status != 200 || string(r.body) != `{"ok":true}` {
			t.Fatalf("got %s", r)
		}
		asked := view.last(t)
		if q := asked.URL.Query(); !strings.HasSuffix(asked.URL.Path, method) || q.Get("repo") != elsewhere || len(q) != 3 {
			t.Errorf("the service was asked for %s", asked.URL)
		}
		if got := asked.Header.Values("Authorization"); got != nil {
			t.Errorf("the service was asked with %q", got)
		}
	}
	w.get(t, "", method, "repo", elsewhere, "collection", "com.example.note", "rkey", "b").
		refused(t, 400, "RecordNotFound", "The view has none")

	before := view.count()
	w.get(t, "", method, "repo", "alice.test", "collection", "com.example.note", "rkey", "a").
		refused(t, 400, "RecordNotFound", "Could not locate record")
	w.get(t, "", method, "repo", elsewhere, "collection", "com.example.note").refused(t, 400, "InvalidRequest", "rkey")
	if n := view.count() - before; n != 0 {
		t.Errorf("the service was asked %d times for what isn't elsewhere", n)
	}
	for _, w := range []*world{start(t), start(t, view.serves("com.example.*"))} {
		w.get(t, "", method, "repo", elsewhere, "collection", "com.example.note", "rkey", "a").
			refused(t, 400, "InvalidRequest", "Could not find repo")
	}
}
