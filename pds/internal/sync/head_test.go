package sync

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// Who asks for the head alone, which costs them nothing, doesn't have a whole repo read. What is refused is refused to them, too.
func TestHead(t *testing.T) {
	const total = 100 << 20
	const did = "did:web:a.example"
	store := memory.New()
	created := storage.NewAccount{
		Account: storage.Account{DID: did},
		Commit:  storage.Commit{Head: storage.Head{DID: did}},
	}
	if _, err := store.CreateAccount(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	s := &Handler{Accounts: &hosting.Accounts{Store: store}}
	written := 0
	var refusal error
	m := carMethod(s, "com.example.export", func(in *didParams) syntax.DID { return in.DID },
		func(_ context.Context, _ *didParams, w io.Writer) error {
			if refusal != nil {
				return refusal
			}
			for chunk := make([]byte, 1000); written < total; written += len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return err
				}
			}
			return nil
		})
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
	mux.Handle(m)
	head := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("HEAD", "/xrpc/com.example.export?did=did:web:a.example", nil))
		return w
	}
	if w := head(); w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.ipld.car" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	if written > 2*carBuffer {
		t.Errorf("%d bytes were made", written)
	}
	refusal = repo.ErrBlockNotFound
	if w := head(); w.Code != 400 || !strings.Contains(w.Body.String(), `"BlockNotFound"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
