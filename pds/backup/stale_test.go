package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// crowd is a source of many accounts whose repos it hasn't got right, and of one that is as it should be.
type crowd struct {
	Source
	bad int
}

func (c crowd) Accounts(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for i := range c.bad {
			if !yield(Listed{syntax.DID(fmt.Sprintf("did:web:%d.example", i)), "3mbgyhqcj2k2a", storage.StatusActive}, nil) {
				return
			}
		}
		c.Source.Accounts(ctx)(yield)
	}
}

func (c crowd) Repo(ctx context.Context, did syntax.DID) (io.ReadCloser, error) {
	if did.Method() == "web" {
		return nil, errors.New("a repo that nobody can read")
	}
	return c.Source.Repo(ctx, did)
}

func (c crowd) Handle(ctx context.Context, did syntax.DID) (syntax.Handle, error) {
	return "", ErrNoRepo
}

func (c crowd) Blob(context.Context, syntax.DID, cid.Cid) (io.ReadCloser, error) {
	return nil, ErrNoBlob
}

// Repos that fail one after another look like a source that fails, at first. But they don't stop a mirror for ever.
func TestManyStaleAccounts(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	network := w.network()
	network.Idle = time.Second
	source := crowd{network, 2 * maxFailures}
	var damage *Damage
	for run := 1; ; run++ {
		err := w.mirror(t, source, to).Sync(t.Context())
		if errors.As(err, &damage) {
			break // all that is wrong is that of single accounts
		}
		if run == 3 {
			t.Fatalf("at the end of run %d: %v", run, err)
		}
	}
	alice.put(t, "one", object{"text": "one"})
	if err := w.mirror(t, source, to).Sync(t.Context()); !errors.As(err, &damage) {
		t.Fatal(err)
	}
	man, err := loadManifest(t.Context(), to, alice.did)
	check(t, err)
	head, err := w.store.Head(t.Context(), alice.did)
	check(t, err)
	if man.Rev != head.Rev {
		t.Errorf("the mirror has %s of an account whose rev is %s", man.Rev, head.Rev)
	}
}

// However many accounts sign with other keys than those of their documents, the mirror has the others in its first run.
func TestManyForeignSignatures(t *testing.T) {
	w := newWorld(t)
	for i := range maxFailures + 2 {
		w.signUp(t, fmt.Sprint("user", i))
	}
	alice := w.signUp(t, "alice")
	other, err := atcrypto.GeneratePrivateKeyK256()
	check(t, err)
	foreign, err := other.PublicKey()
	check(t, err)
	to := newDir(t)
	network := w.network()
	network.Idle = time.Second
	m := w.mirror(t, network, to)
	m.keys = func(ctx context.Context, did syntax.DID, fresh bool) (atcrypto.PublicKey, error) {
		if did == alice.did {
			return w.key(ctx, did, fresh)
		}
		return foreign, nil
	}
	var damage *Damage
	if err := m.Sync(t.Context()); !errors.As(err, &damage) {
		t.Errorf("%v", err)
	}
	if man, err := loadManifest(t.Context(), to, alice.did); err != nil || man.Commit == "" {
		t.Errorf("nothing of the one account that is right is there: %v", err)
	}
}
