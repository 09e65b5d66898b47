package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// start makes a PDS whose keys are in a key service that can be switched off.
func start(t *testing.T) (p *pdstest.PDS, down *atomic.Bool) {
	down = new(atomic.Bool)
	h := newService()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(service.Close)
	return pdstest.New(t, func(c *pds.Config) {
		if err := useKMS(t.Context(), c, service.URL); err != nil {
			t.Fatal(err)
		}
	}), down
}

func TestKMSSigns(t *testing.T) {
	p, down := start(t)
	alice := p.Account(t, "alice")
	r := p.Repo(alice.DID)
	for range 20 { // of two signatures, one has the higher s
		if _, _, err := r.Put(t.Context(), "com.example.thing", "", map[string]any{}); err != nil {
			t.Fatal(err)
		}
		if err := r.Verify(t.Context()); err != nil { // by the key that the PLC directory names
			t.Fatal(err)
		}
	}
	before, err := r.Rev(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	if _, _, err := r.Put(t.Context(), "com.example.thing", "", map[string]any{}); err == nil {
		t.Error("a write succeeds without a signature")
	}
	down.Store(false)
	if after, err := r.Rev(t.Context()); err != nil || after != before {
		t.Errorf("a write that failed took the repo from %s to %s, %v", before, after, err)
	}
	if _, _, err := r.Put(t.Context(), "com.example.thing", "", map[string]any{}); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

// TestNames holds the names of keys to what pds.Keys asks for.
func TestNames(t *testing.T) {
	service := httptest.NewServer(newService())
	defer service.Close()
	ctx := t.Context()
	store := memory.New()
	k := &kms{url: service.URL, names: store}
	public, err := k.Generate(ctx, "a", keys.K256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Generate(ctx, "a", keys.K256); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a name that is taken: %v", err)
	}
	for range 2 {
		if err := k.Copy(ctx, "a", "did:plc:a"); err != nil {
			t.Errorf("copy: %v", err)
		}
	}
	if _, err := k.Generate(ctx, "b", keys.K256); err != nil {
		t.Fatal(err)
	}
	if err := k.Copy(ctx, "b", "did:plc:a"); !errors.Is(err, storage.ErrExists) {
		t.Errorf("copy of another key: %v", err)
	}
	for name, want := range map[string]syntax.DID{"a": "", "did:plc:a": "did:plc:a"} {
		if d, err := store.Document(ctx, storage.KindKey, name); err != nil || d.Owner != want {
			t.Errorf("%s belongs to %q, %v", name, d.Owner, err)
		}
	}
	for range 2 {
		if err := k.Delete(ctx, "a"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := k.Public(ctx, "a"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a name that was deleted: %v", err)
	}
	sig, err := k.Sign(ctx, "did:plc:a", []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := public.HashAndVerify([]byte("data"), sig); err != nil {
		t.Errorf("the copy signs otherwise: %v", err)
	}
}

func FuzzCompact(f *testing.F) {
	f.Add([]byte("\x30\x06\x02\x01\x01\x02\x01\x01"))
	f.Add([]byte("\x30\x06\x02\x01\xff\x02\x01\x00"))
	f.Fuzz(func(t *testing.T, der []byte) {
		if sig, err := compact(der); err == nil && len(sig) != 64 {
			t.Errorf("%x became %x", der, sig)
		}
	})
}
