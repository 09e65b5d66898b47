package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// silent is a host that never answers.
type silent struct{ open, most atomic.Int64 }

// RoundTrip waits until the client gives up.
func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.open.Add(1)
	defer s.open.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestManyAtOnce: hosts that strangers have named are asked so many at a time, and who has to wait doesn't wait for ever.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var host silent
		d, err := NewDirectory(DirectoryConfig{
			HTTP:      &http.Client{Transport: &host},
			LookupTXT: func(context.Context, string) ([]string, error) { return nil, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 2 * maxFetches {
			wg.Go(func() {
				_, err := d.ResolveDID(t.Context(), syntax.DID(fmt.Sprintf("did:web:host%d.example.com", i)))
				if !errors.Is(err, indigo.ErrDIDResolutionFailed) {
					t.Errorf("a DID: %v", err)
				}
			})
			wg.Go(func() {
				_, err := d.ResolveHandle(t.Context(), syntax.Handle(fmt.Sprintf("host%d.example.com", i)))
				if !errors.Is(err, indigo.ErrHandleResolutionFailed) {
					t.Errorf("a handle: %v", err)
				}
			})
		}
		wg.Wait()
		if got := host.most.Load(); got != maxFetches {
			t.Errorf("%d requests at the same time", got)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the last one waited %s", took)
		}
	})
}

// TestLookupTXT: a host's own resolver is asked for handles. Of several DIDs that it names, none counts.
func TestLookupTXT(t *testing.T) {
	w := newWorld(t)
	w.hosts.HandleFunc("two.example.com/.well-known/atproto-did", func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, "did:web:a.example.com")
	})
	records := map[string][]string{
		"_atproto.one.example.com":   {"v=spf1", "did=did:web:a.example.com", "did=did:web:a.example.com", "did=?"},
		"_atproto.two.example.com":   {"did=did:web:a.example.com", "did=did:web:b.example.com"},
		"_atproto.wrong.example.com": {"did=?"},
	}
	d := w.directory(DirectoryConfig{LookupTXT: func(_ context.Context, name string) ([]string, error) {
		return records[name], nil
	}})
	if did, err := d.ResolveHandle(t.Context(), "one.example.com"); did != "did:web:a.example.com" {
		t.Errorf("one DID: %s, %v", did, err)
	}
	for handle, want := range map[syntax.Handle]error{
		"two.example.com":   indigo.ErrHandleResolutionFailed,
		"wrong.example.com": indigo.ErrHandleResolutionFailed,
		"none.example.com":  indigo.ErrHandleNotFound,
	} {
		if did, err := d.ResolveHandle(t.Context(), handle); !errors.Is(err, want) {
			t.Errorf("%s: %s, %v, want %v", handle, did, err, want)
		}
	}
}
