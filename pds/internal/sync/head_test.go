package sync

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Who asks for the head alone, which costs them nothing, doesn't have a whole repo read. What is refused is refused to them, too.
func TestHead(t *testing.T) {
	const total = 100 << 20
	s := &Server{Readable: func(context.Context, syntax.AtIdentifier, auth.Caller) (storage.Account, error) {
		return storage.Account{}, nil
	}}
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
