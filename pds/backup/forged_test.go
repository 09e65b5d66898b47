package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// liar is a source that changes what another one says. Nil functions change nothing.
type liar struct {
	Source
	commit func(*comatproto.SyncSubscribeRepos_Commit)
	repo   func([]byte) ([]byte, error)
	blob   func(io.ReadCloser) (io.ReadCloser, error)
}

func (l *liar) Events(ctx context.Context, cursor int64, follow bool) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for e, err := range l.Source.Events(ctx, cursor, follow) {
			var msg comatproto.SyncSubscribeRepos_Commit
			if l.commit != nil && e.Kind == storage.EventCommit && msg.UnmarshalCBOR(bytes.NewReader(e.Body)) == nil {
				l.commit(&msg)
				var body bytes.Buffer
				if err := msg.MarshalCBOR(&body); err != nil {
					panic(err)
				}
				e.Body = body.Bytes()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (l *liar) Repo(ctx context.Context, did syntax.DID) (io.ReadCloser, error) {
	r, err := l.Source.Repo(ctx, did)
	if err != nil || l.repo == nil {
		return r, err
	}
	defer r.Close()
	car, err := io.ReadAll(r)
	if err == nil {
		car, err = l.repo(car)
	}
	return io.NopCloser(bytes.NewReader(car)), err
}

func (l *liar) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (io.ReadCloser, error) {
	r, err := l.Source.Blob(ctx, did, c)
	if err != nil || l.blob == nil {
		return r, err
	}
	return l.blob(r)
}

// flip changes a bit of the last occurrence of a string.
func flip(b []byte, near string) []byte {
	b = bytes.Clone(b)
	if i := bytes.LastIndex(b, []byte(near)); i >= 0 {
		b[i+len(near)+3] ^= 1
	}
	return b
}

// TestForgedCommits changes what is said of a commit. Nothing of it gets into the mirror: the repo is fetched instead.
func TestForgedCommits(t *testing.T) {
	type commit = comatproto.SyncSubscribeRepos_Commit
	for name, forge := range map[string]func(*commit){
		"a block flipped":          func(c *commit) { c.Blocks = flip(c.Blocks, "text") },
		"another since":            func(c *commit) { s := "3aaaaaaaaaa22"; c.Since = &s },
		"no since":                 func(c *commit) { c.Since = nil },
		"no prevData":              func(c *commit) { c.PrevData = nil },
		"another prevData":         func(c *commit) { c.PrevData = &c.Commit },
		"too big":                  func(c *commit) { c.TooBig = true },
		"no operations":            func(c *commit) { c.Ops = nil },
		"an operation without cid": func(c *commit) { c.Ops[0].Cid = nil },
		"another path":             func(c *commit) { c.Ops[0].Path = post + "/other" },
		"an update of nothing":     func(c *commit) { c.Ops[0].Action = "update" },
		"another commit":           func(c *commit) { c.Commit = *c.Ops[0].Cid },
		"another rev":              func(c *commit) { c.Rev = "3zzzzzzzzzz22" },
		"no blocks":                func(c *commit) { c.Blocks = nil },
		"blocks cut off":           func(c *commit) { c.Blocks = c.Blocks[:len(c.Blocks)-5] },
	} {
		w := newWorld(t)
		alice := w.signUp(t, "alice")
		alice.put(t, "one", object{"text": "one"})
		to := newDir(t)
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		alice.put(t, "two", object{"text": "two"})
		m := w.mirror(t, &liar{Source: w.local(), commit: forge}, to)
		check(t, m.Sync(t.Context()))
		if m.progress.Repos != 1 {
			t.Errorf("%s: %d repos are fetched", name, m.progress.Repos)
		}
		intact(t, to)
		if w.same(t, restore(t, to), true); t.Failed() {
			t.Fatal(name)
		}
	}
}

// TestForeignSignature: a commit that is right in all but its signature isn't taken, from the stream or as a whole, while
// an account's own new key is found.
func TestForeignSignature(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	alice.put(t, "one", object{"text": "one"})
	foreign, err := atcrypto.GeneratePrivateKeyK256()
	check(t, err)
	other, err := foreign.PublicKey()
	check(t, err)
	asked := 0
	m := w.mirror(t, w.local(), to)
	m.keys = func(_ context.Context, _ syntax.DID, fresh bool) (atcrypto.PublicKey, error) {
		if fresh {
			asked++
		}
		return other, nil
	}
	err = m.Sync(t.Context())
	var damage *Damage
	if !errors.As(err, &damage) || damage.DID != alice.did || !strings.Contains(err.Error(), errSignature.Error()) || asked == 0 {
		t.Errorf("a foreign signature: %v; the key was asked for anew %d times", err, asked)
	}
	intact(t, to)
	m = w.mirror(t, w.local(), to)
	key := m.keys
	m.keys = func(ctx context.Context, did syntax.DID, fresh bool) (atcrypto.PublicKey, error) {
		if !fresh {
			return other, nil // from a cache
		}
		return key(ctx, did, fresh)
	}
	check(t, m.Sync(t.Context()))
	intact(t, to)
	w.same(t, restore(t, to), false)
}

// TestBrokenRepo: a repo that isn't valid leaves the mirror with what it had, named, until it is.
func TestBrokenRepo(t *testing.T) {
	for name, forge := range map[string]func([]byte) ([]byte, error){
		"a bit flipped": func(b []byte) ([]byte, error) { return flip(b, "text"), nil },
		"cut off":       func(b []byte) ([]byte, error) { return b[:len(b)-5], nil },
		"empty":         func([]byte) ([]byte, error) { return nil, nil },
		"an error":      func([]byte) ([]byte, error) { return nil, errors.New("out of order") },
	} {
		w := newWorld(t)
		alice, bob := w.signUp(t, "alice"), w.signUp(t, "bob")
		alice.put(t, "one", object{"text": "one"})
		to := newDir(t)
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		_, err := w.store.TrimEvents(t.Context(), farFuture, 100)
		check(t, err)
		alice.put(t, "two", object{"text": "two"})
		lost := func(c *comatproto.SyncSubscribeRepos_Commit) { c.Since = nil }
		aliceOnly := &liar{Source: w.local(), commit: lost, repo: forge}
		err = w.mirror(t, aliceOnly, to).Sync(t.Context())
		var damage *Damage
		if !errors.As(err, &damage) || damage.DID != alice.did {
			t.Errorf("%s: %v", name, err)
		}
		if sum := intact(t, to); sum.Accounts != 2 || sum.Records != 1 {
			t.Errorf("%s: the mirror has %+v", name, sum)
		}
		bob.put(t, "one", object{"text": "one"})
		m := w.mirror(t, w.local(), to)
		check(t, m.Sync(t.Context()))
		if m.progress.Repos != 1 {
			t.Errorf("%s: %d repos are fetched again", name, m.progress.Repos)
		}
		w.same(t, restore(t, to), false)
	}
}

// TestMissingTwin: a record that stands at two paths may be in a repo's file once, but not never.
func TestMissingTwin(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	for _, rkey := range []string{"one", "other", "two"} {
		alice.put(t, rkey, object{"text": "the same text"})
	}
	alice.put(t, "three", object{"text": "another text"})
	drop := func(keep int) func([]byte) ([]byte, error) {
		return func(car []byte) ([]byte, error) {
			return dropBlocks(t, car, "the same text", keep), nil
		}
	}
	to := newDir(t)
	if err := w.mirror(t, &liar{Source: w.local(), repo: drop(0)}, to).Sync(t.Context()); err == nil {
		t.Error("a repo without a record is taken")
	}
	check(t, w.mirror(t, &liar{Source: w.local(), repo: drop(1)}, to).Sync(t.Context()))
	intact(t, to)
	w.same(t, restore(t, to), true)
}

// dropBlocks leaves out the blocks of a CAR file that contain a text, but for the first few.
func dropBlocks(t testing.TB, car []byte, text string, keep int) (out []byte) {
	t.Helper()
	for len(car) > 0 {
		n, size := uvarint(car)
		section := car[:size+n]
		car = car[size+n:]
		if bytes.Contains(section, []byte(text)) {
			if keep--; keep < 0 {
				continue
			}
		}
		out = append(out, section...)
	}
	return out
}

func uvarint(b []byte) (n, size int) {
	for shift := 0; ; shift += 7 {
		n |= int(b[size]&0x7f) << shift
		size++
		if b[size-1] < 0x80 {
			return n, size
		}
	}
}

// TestBlobsLater: a blob that can't be had, or comes wrong, is got as soon as it can be, and isn't taken for damage.
func TestBlobsLater(t *testing.T) {
	for name, forge := range map[string]func(io.ReadCloser) (io.ReadCloser, error){
		"missing": func(r io.ReadCloser) (io.ReadCloser, error) { return nil, errors.Join(ErrNoBlob, r.Close()) },
		"failing": func(r io.ReadCloser) (io.ReadCloser, error) { return nil, errors.Join(errFault, r.Close()) },
		"wrong": func(r io.ReadCloser) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("something else")), r.Close()
		},
		"cut off": func(r io.ReadCloser) (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(r, 3)), nil
		},
	} {
		w := newWorld(t)
		alice := w.signUp(t, "alice")
		alice.attach(t, "one", "a blob of the first listing")
		to := newDir(t)
		lying := &liar{Source: w.local(), blob: forge}
		check(t, w.mirror(t, lying, to).Sync(t.Context()))
		alice.attach(t, "two", "a blob of a commit")
		check(t, w.mirror(t, lying, to).Sync(t.Context()))
		if sum := intact(t, to); sum.Absent != 2 || sum.Blobs != 0 {
			t.Errorf("%s: the mirror has %+v", name, sum)
		}
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		if sum := intact(t, to); sum.Absent != 0 || sum.Blobs != 2 {
			t.Errorf("%s: later it has %+v", name, sum)
		}
		w.same(t, restore(t, to), false)
	}
}

// TestPrivateIsSwept: what no event tells of is seen by the next run.
func TestPrivateIsSwept(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	_, err := w.store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
		a.Email, a.PasswordHash = "new@example.com", "another hash"
		return nil
	})
	check(t, err)
	token := storage.Document{
		Kind: "app", ID: "hashed", Owner: alice.did, Value: []byte("v"), IssuedAt: farFuture, ExpiresAt: farFuture,
	}
	check(t, w.store.PutDocument(t.Context(), storage.NewDocument{Document: token}))
	lasting := storage.Document{Kind: "app", ID: "lasting", Owner: alice.did, Value: []byte("v"), IssuedAt: farFuture}
	check(t, w.store.PutDocument(t.Context(), storage.NewDocument{Document: lasting}))
	source := w.local()
	source.DocumentKinds = []string{"app"}
	check(t, w.mirror(t, source, to).Sync(t.Context()))
	got := restore(t, to)
	w.same(t, got, false)
	for _, want := range []storage.Document{token, lasting} {
		restored, err := got.store.Document(t.Context(), "app", want.ID)
		if err != nil || fmt.Sprint(restored) != fmt.Sprint(want) {
			t.Errorf("the document is %v, %v, want %v", restored, err, want)
		}
	}
}
