package plc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

func newSigner(t testing.TB) Signer {
	t.Helper()
	k, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	return signerOf(t, k)
}

func newSignerP256(t testing.TB) Signer {
	t.Helper()
	k, err := atcrypto.GeneratePrivateKeyP256()
	if err != nil {
		t.Fatal(err)
	}
	return signerOf(t, k)
}

func signerOf(t testing.TB, k atcrypto.PrivateKey) Signer {
	t.Helper()
	s, err := NewSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func didKey(s Signer) string { return s.PublicKey().DIDKey() }

// stateOf returns a state with some rotation keys, and a name that tells it from others.
func stateOf(name string, keys ...Signer) State {
	var s State
	for _, k := range keys {
		s.RotationKeys = append(s.RotationKeys, didKey(k))
	}
	s.SetHandle(syntax.Handle(name + ".test"))
	s.SetPDS("https://pds.test")
	if len(keys) > 0 {
		s.SetSigningKey(didKey(keys[0]))
	}
	return s.Clone()
}

func sign[T Op](t testing.TB, op T, s Signer) T {
	t.Helper()
	if err := signOp(t.Context(), op, s); err != nil {
		t.Fatal(err)
	}
	return op
}

func cidOf(t testing.TB, op Op) string {
	t.Helper()
	c, err := CID(op)
	if err != nil {
		t.Fatal(err)
	}
	return c.String()
}

func didOf(t testing.TB, op Op) syntax.DID {
	t.Helper()
	did, err := GenesisDID(op)
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// clock is a clock that stands still until it's moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newDirectory(t testing.TB, c DirectoryConfig) *Directory {
	t.Helper()
	d, err := NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func submit(t testing.TB, d *Directory, did syntax.DID, op Op) {
	t.Helper()
	if err := d.Submit(context.Background(), did, op); err != nil {
		t.Fatal(err)
	}
}

// wantRefusal wants an *Error of some reason with some message.
func wantRefusal(t testing.TB, err, reason error, message string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status != 400 || e.Message != message || !errors.Is(err, reason) {
		t.Errorf("error %v\nwant 400 %s (%v)", describe(err), message, reason)
	}
}

func describe(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s (%v)", e.Status, e.Message, e.reason)
	}
	return fmt.Sprint(err)
}

func resign(sig []byte) string { return base64.RawURLEncoding.EncodeToString(sig) }
