package keys

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const alice = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")

var (
	secretA = bytes.Repeat([]byte("A"), MinSecret)
	secretB = bytes.Repeat([]byte("B"), MinSecret)
)

// counting is a store that counts how often a key is read.
type counting struct {
	storage.Documents
	reads int
}

func (c *counting) Document(ctx context.Context, kind, id string) (storage.Document, error) {
	c.reads++
	return c.Documents.Document(ctx, kind, id)
}

func newKeyring(t *testing.T, c Config) *Keyring {
	t.Helper()
	if c.Store == nil {
		c.Store = memory.New()
	}
	if c.Secret == nil {
		c.Secret = secretA
	}
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func generate(t *testing.T, k *Keyring, name string, kind Kind) atcrypto.PublicKey {
	t.Helper()
	pub, err := k.Generate(t.Context(), name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return pub
}

// mustSign checks that a name signs with the key of pub.
func mustSign(t *testing.T, k *Keyring, name string, pub atcrypto.PublicKey) {
	t.Helper()
	data := []byte("what is signed")
	sig, err := k.Sign(t.Context(), syntax.DID(name), data)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.HashAndVerify(data, sig); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestNewRefuses(t *testing.T) {
	for want, c := range map[string]Config{
		"needs a store":     {Secret: secretA},
		"secret has 31":     {Store: memory.New(), Secret: secretA[1:]},
		"secret has 0":      {Store: memory.New()},
		"old secret 2":      {Store: memory.New(), Secret: secretA, Old: [][]byte{secretB, nil}},
		"size or lifetime":  {Store: memory.New(), Secret: secretA, CacheSize: -1},
		"lifetime is negat": {Store: memory.New(), Secret: secretA, CacheLifetime: -1},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestGenerateAndSign(t *testing.T) {
	store := memory.New()
	for _, kind := range []Kind{K256, P256} {
		t.Run(kind.String(), func(t *testing.T) {
			k := newKeyring(t, Config{Store: store})
			pub := generate(t, k, "did:"+kind.String(), kind)
			mustSign(t, k, "did:"+kind.String(), pub)

			reopened := newKeyring(t, Config{Store: store})
			if got, err := reopened.Public(t.Context(), "did:"+kind.String()); err != nil || !got.Equal(pub) {
				t.Errorf("after reopening: got %v, %v, want %v", got, err, pub)
			}
			mustSign(t, reopened, "did:"+kind.String(), pub)
			if _, err := k.Generate(t.Context(), "did:"+kind.String(), kind); !errors.Is(err, storage.ErrExists) {
				t.Errorf("a second key for a name: got %v, want ErrExists", err)
			}
		})
	}
	k := newKeyring(t, Config{Store: store})
	for _, kind := range []Kind{0, random, 99} {
		if _, err := k.Generate(t.Context(), "x", kind); err == nil {
			t.Errorf("a key of %v was made", kind)
		}
	}
	if _, err := k.Generate(t.Context(), "", K256); err == nil {
		t.Error("a key without a name was made")
	}
}

func TestAbsent(t *testing.T) {
	k, ctx := newKeyring(t, Config{}), t.Context()
	_, publicErr := k.Public(ctx, "x")
	_, signErr := k.Sign(ctx, alice, nil)
	_, signerErr := k.Signer(ctx, "x")
	for name, err := range map[string]error{"Public": publicErr, "Sign": signErr, "Signer": signerErr, "Copy": k.Copy(ctx, "x", "y")} {
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if err := k.Delete(ctx, "x"); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestPut(t *testing.T) {
	k, ctx := newKeyring(t, Config{}), t.Context()
	key, err := atcrypto.GeneratePrivateKeyP256()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is idempotent
		if err := k.Put(ctx, alice.String(), key); err != nil {
			t.Fatal(err)
		}
	}
	pub, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	mustSign(t, k, alice.String(), pub)

	other, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put(ctx, alice.String(), other); !errors.Is(err, storage.ErrExists) {
		t.Errorf("another key: got %v, want ErrExists", err)
	}
	if _, err := k.Secret(ctx, "secret", 32); err != nil {
		t.Fatal(err)
	}
	if err := k.Put(ctx, "secret", key); !errors.Is(err, storage.ErrExists) || !errors.Is(err, ErrKind) {
		t.Errorf("a key for a secret's name: got %v, want ErrExists and ErrKind", err)
	}
	for _, bad := range []atcrypto.PrivateKey{nil, (*atcrypto.PrivateKeyK256)(nil), (*atcrypto.PrivateKeyP256)(nil), foreign{}} {
		if err := k.Put(ctx, "x", bad); err == nil {
			t.Errorf("a %T was stored", bad)
		}
	}
}

// foreign is a key that can't be exported.
type foreign struct{ atcrypto.PrivateKey }

func TestCopy(t *testing.T) {
	store, ctx := memory.New(), t.Context()
	k := newKeyring(t, Config{Store: store})
	pub := generate(t, k, "reserved", K256)
	for range 2 {
		if err := k.Copy(ctx, "reserved", alice.String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Delete(ctx, "reserved"); err != nil {
		t.Fatal(err)
	}
	mustSign(t, newKeyring(t, Config{Store: store}), alice.String(), pub)
	generate(t, k, "other", K256)
	if err := k.Copy(ctx, "other", alice.String()); !errors.Is(err, storage.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
}

func TestDelete(t *testing.T) {
	k, ctx := newKeyring(t, Config{}), t.Context()
	old := generate(t, k, alice.String(), K256)
	mustSign(t, k, alice.String(), old)
	if err := k.Delete(ctx, alice.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign(ctx, alice, nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a deleted key signs: %v", err)
	}
	mustSign(t, k, alice.String(), generate(t, k, alice.String(), P256))
}

// A key that storage.DeleteAccount has removed isn't the key of the next account with the DID.
func TestGenerateForgetsTheKeyBefore(t *testing.T) {
	store := memory.New()
	k := newKeyring(t, Config{Store: store})
	mustSign(t, k, alice.String(), generate(t, k, alice.String(), K256))
	if _, err := store.TakeDocument(t.Context(), storage.KindKey, alice.String()); err != nil {
		t.Fatal(err)
	}
	mustSign(t, k, alice.String(), generate(t, k, alice.String(), K256))
}

// An account's key goes with the account, the server's own stay.
func TestKeyOwner(t *testing.T) {
	store := memory.New()
	k := newKeyring(t, Config{Store: store})
	generate(t, k, "rotation", K256)
	if err := k.Copy(t.Context(), "rotation", alice.String()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]syntax.DID{"rotation": "", alice.String(): alice} {
		d, err := store.Document(t.Context(), storage.KindKey, name)
		if err != nil || d.Owner != want || !d.ExpiresAt.IsZero() {
			t.Errorf("%s: its owner is %q and it expires at %v, %v", name, d.Owner, d.ExpiresAt, err)
		}
	}
}

func TestSigner(t *testing.T) {
	k := newKeyring(t, Config{})
	pub := generate(t, k, "rotation", K256)
	s, err := k.Signer(t.Context(), "rotation")
	if err != nil {
		t.Fatal(err)
	}
	if !s.PublicKey().Equal(pub) {
		t.Error("the signer has another public key")
	}
	sig, err := s.Sign(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.HashAndVerify([]byte("x"), sig); err != nil {
		t.Error(err)
	}
}

func TestSigningReadsNoStorage(t *testing.T) {
	store := &counting{Documents: memory.New()}
	now := time.Unix(1767225600, 0)
	k := newKeyring(t, Config{Store: store, CacheSize: 2, Now: func() time.Time { return now }})
	pubs := map[string]atcrypto.PublicKey{}
	for _, name := range []string{"a", "b", "c"} {
		pubs[name] = generate(t, k, name, K256)
	}
	store.reads = 0
	sign := func(name string, reads int) {
		t.Helper()
		mustSign(t, k, name, pubs[name])
		if store.reads != reads {
			t.Errorf("%d reads so far, want %d", store.reads, reads)
		}
	}
	sign("a", 1)
	sign("a", 1)
	sign("b", 2)
	sign("a", 2)
	sign("c", 3) // b, the one used longest ago, is forgotten
	sign("a", 3)
	sign("b", 4)
	now = now.Add(time.Minute)
	sign("b", 5)
	sign("b", 5)
	if n := len(k.cache.byKey); n != k.cache.byAge.Len() || n > 2 {
		t.Errorf("%d keys in memory, want 2 at most", n)
	}
}

// Who has read a key just before it was deleted doesn't bring it back.
func TestCacheForgetsForGood(t *testing.T) {
	c := newCache(10, time.Minute)
	now := time.Unix(0, 0)
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	_, epoch := c.get("a", now)
	c.forget("a")
	c.put("a", key, now, epoch)
	if got, epoch := c.get("a", now); got != nil {
		t.Error("a forgotten key is back")
	} else {
		c.put("a", key, now, epoch)
	}
	if got, _ := c.get("a", now); got == nil {
		t.Error("a key that was read after that isn't kept")
	}
}

var errLost = errors.New("connection lost")

type down struct{ storage.Documents }

func (down) PutDocument(context.Context, storage.NewDocument) error { return errLost }

func (down) Document(context.Context, string, string) (storage.Document, error) {
	return storage.Document{}, errLost
}

func (down) TakeDocument(context.Context, string, string) (storage.Document, error) {
	return storage.Document{}, errLost
}

func TestStorageFailure(t *testing.T) {
	k, ctx := newKeyring(t, Config{Store: down{}}), t.Context()
	_, generateErr := k.Generate(ctx, "x", K256)
	_, publicErr := k.Public(ctx, "x")
	_, secretErr := k.Secret(ctx, "x", 32)
	for name, err := range map[string]error{
		"Generate": generateErr, "Public": publicErr, "Secret": secretErr, "Delete": k.Delete(ctx, "x"), "Copy": k.Copy(ctx, "x", "y"),
	} {
		if !errors.Is(err, errLost) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	config := Config{Store: memory.New(), Secret: secretA, Old: [][]byte{secretB}}
	k := newKeyring(t, config)
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put(t.Context(), "x", key); err != nil {
		t.Fatal(err)
	}
	signer, err := k.Signer(t.Context(), "x") // the key is in the cache now
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("made", "keyring", k, "config", config, "signer", signer)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, k, config, &config, signer)
	}
	for _, b := range [][]byte{secretA, secretB, key.Bytes()} {
		for _, leak := range []string{
			string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), strings.Trim(fmt.Sprint(b), "[]"),
			base64.StdEncoding.EncodeToString(b),
		} {
			if strings.Contains(out.String(), leak) {
				t.Errorf("printed a secret: %s", out.String())
			}
		}
	}
}

func BenchmarkSign(b *testing.B) {
	k, err := New(Config{Store: memory.New(), Secret: secretA})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := k.Generate(b.Context(), alice.String(), K256); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 200)
	for b.Loop() {
		if _, err := k.Sign(b.Context(), alice, data); err != nil {
			b.Fatal(err)
		}
	}
}
