package sync

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
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
	head := func() (*httptest.ResponseRecorder, error) {
		w := httptest.NewRecorder()
		return w, m.Handler(w, httptest.NewRequest("HEAD", "/xrpc/com.example.export?did=did:web:a.example", nil), auth.Caller{})
	}
	w, err := head()
	if err != nil || w.Header().Get("Content-Type") != "application/vnd.ipld.car" {
		t.Errorf("got %v, %v", err, w.Header())
	}
	if written > 2*carBuffer {
		t.Errorf("%d bytes were made", written)
	}
	refusal = repo.ErrBlockNotFound
	var e *xrpc.Error
	if _, err := head(); !errors.As(err, &e) || e.Name != "BlockNotFound" {
		t.Errorf("got %v", err)
	}
}
