package keys

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func TestRotatedSecret(t *testing.T) {
	store := memory.New()
	old := generate(t, newKeyring(t, Config{Store: store, Secret: secretA}), "old", K256)
	rotated := newKeyring(t, Config{Store: store, Secret: secretB, Old: [][]byte{secretA}})
	mustSign(t, rotated, "old", old)
	pub := generate(t, rotated, "new", K256)
	mustSign(t, newKeyring(t, Config{Store: store, Secret: secretB}), "new", pub)

	wrong := newKeyring(t, Config{Store: store, Secret: secretB})
	if _, err := wrong.Sign(t.Context(), "old", nil); !errors.Is(err, ErrSealed) {
		t.Errorf("without the old secret: got %v, want ErrSealed", err)
	}
	if _, err := wrong.Generate(t.Context(), "old", K256); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a key that can't be opened was replaced: %v", err)
	}
}

func TestSecret(t *testing.T) {
	store, ctx := memory.New(), t.Context()
	k := newKeyring(t, Config{Store: store})
	const n = 8
	var got [n][]byte
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if got[i], err = k.Secret(ctx, "jwt", 32); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	again, err := newKeyring(t, Config{Store: store}).Secret(ctx, "jwt", 32)
	if err != nil || len(again) != 32 || bytes.Equal(again, make([]byte, 32)) {
		t.Fatalf("got %d bytes, %v", len(again), err)
	}
	for _, b := range got {
		if !bytes.Equal(b, again) {
			t.Fatal("two secrets for one name")
		}
	}
	if other, err := k.Secret(ctx, "other", 32); err != nil || bytes.Equal(other, again) {
		t.Errorf("two names have the same secret, or %v", err)
	}
	generate(t, k, "key", K256)
	if _, err := k.Secret(ctx, "key", 32); !errors.Is(err, ErrKind) {
		t.Errorf("a signing key was handed out: %v", err)
	}
	if _, err := k.Secret(ctx, "jwt", 16); !errors.Is(err, ErrKind) {
		t.Errorf("another length: got %v, want ErrKind", err)
	}
	if _, err := k.Sign(ctx, "jwt", nil); !errors.Is(err, ErrKind) {
		t.Errorf("a secret signs: %v", err)
	}
	for _, n := range []int{-1, 0, 15, 4097} {
		if _, err := k.Secret(ctx, "x", n); err == nil {
			t.Errorf("a secret of %d bytes was made", n)
		}
	}
}

// The bytes of another who was faster win, even if the store reports that write as lost.
func TestSecretLostRace(t *testing.T) {
	store := &faster{Documents: memory.New(), t: t}
	k := newKeyring(t, Config{Store: store})
	store.other = newKeyring(t, Config{Store: store.Documents})
	mine, err := k.Secret(t.Context(), "jwt", 32)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := store.other.Secret(t.Context(), "jwt", 32)
	if err != nil || !bytes.Equal(mine, theirs) {
		t.Errorf("two secrets, or %v", err)
	}
}

// faster is a store in which another always stores a secret first.
type faster struct {
	storage.Documents
	other *Keyring
	t     *testing.T
}

func (f *faster) PutDocument(ctx context.Context, d storage.NewDocument) error {
	if _, err := f.other.Secret(ctx, d.ID, 32); err != nil {
		f.t.Error(err)
	}
	return f.Documents.PutDocument(ctx, d)
}
