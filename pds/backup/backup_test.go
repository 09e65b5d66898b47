package backup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// TestBackupWhileWriting follows a server that is being written to, restores what came of it into an empty one, and compares
// the two.
func TestBackupWhileWriting(t *testing.T) {
	for _, name := range []string{"local", "network"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			users := make([]*user, 5)
			for i := range users {
				users[i] = w.signUp(t, fmt.Sprint("user", i))
			}
			users[0].attach(t, "before", "a blob from before")
			var source Source = w.local()
			if name == "network" {
				source = w.network()
			}
			to := newDir(t)
			ctx, cancel := context.WithCancel(t.Context())
			m := w.mirror(t, source, to)
			m.config.FlushEvery = 10 * time.Millisecond
			reached := make(chan int64, 10_000)
			m.config.Progress = func(p Progress) { reached <- p.Cursor }
			followed := make(chan error, 1)
			go func() { followed <- m.Follow(ctx) }()

			var writers sync.WaitGroup
			for i, u := range users {
				writers.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(i)))
					for n := range 60 {
						u.work(t, r, n)
					}
				})
			}
			writers.Wait()
			users = append(users, w.signUp(t, "late"), w.signUp(t, "gone"))
			users[5].put(t, "first", object{"text": "late"})
			users[6].attach(t, "first", "a blob that goes with its account")
			last, err := w.store.LastSeq(t.Context())
			check(t, err)
			for cursor := range reached { // before the accounts become such as a stranger gets nothing of
				if cursor >= last {
					break
				}
			}
			users[1].rename(t, "renamed")
			users[2].takedown(t)
			users[3].deactivate(t)
			users[6].remove(t)
			cancel()
			check(t, <-followed)

			m = w.mirror(t, source, to)
			check(t, m.Sync(t.Context()))
			sum := intact(t, to)
			if sum.Accounts != 6 || sum.Unsigned != 0 || sum.Blobs == 0 || sum.Absent != 0 {
				t.Errorf("the mirror has %+v", sum)
			}
			for range to.List(t.Context(), reposPrefix+nameOf(users[6].did)+"/") {
				t.Error("a deleted account's repo is still there")
			}
			got := restore(t, to)
			if got.Accounts != 6 || got.Checked.Deleted > 1 {
				t.Errorf("restored %+v", got.Restored)
			}
			w.same(t, got, name == "network")
			wantLaterSeq(t, w, got)
		})
	}
}

// wantLaterSeq fails the test unless all events of a restored server, those that restoring has made and those to come, are
// after all of the source.
func wantLaterSeq(t *testing.T, w *world, got restored) {
	t.Helper()
	last, err := w.store.LastSeq(t.Context())
	check(t, err)
	events := 0
	for e, err := range got.store.ListEvents(t.Context(), storage.EventRange{}) {
		check(t, err)
		if e.Seq <= last || e.Seq <= got.FirstSeq {
			t.Errorf("event %d of the restored server isn't after %d, and %d", e.Seq, last, got.FirstSeq)
		}
		events++
	}
	if events == 0 {
		t.Error("relays aren't told of the restored accounts")
	}
}

// A restored account goes on where it was: its owner logs in, and writes the next commit on top of the restored one.
func TestRestoredServerGoesOn(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	alice.put(t, "one", object{"text": "one"})
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	got := restore(t, to)

	before, err := got.store.Head(t.Context(), alice.did)
	check(t, err)
	w2 := *w
	w2.store, w2.blobs = got.store, got.blobs
	restarted := w2.restart(t)
	restarted.call(t, "", "com.atproto.server.createSession",
		object{"identifier": string(alice.did), "password": "alice-password"}, nil)
	_, _, err = restarted.Repo(alice.did).Put(t.Context(), post, "two", object{"text": "two"})
	check(t, err)
	check(t, restarted.Repo(alice.did).Verify(t.Context()))
	after, err := got.store.Head(t.Context(), alice.did)
	check(t, err)
	if after.Rev <= before.Rev {
		t.Errorf("rev %s after %s", after.Rev, before.Rev)
	}
}

// TestIncremental shows that a mirror takes what is new, and no more.
func TestIncremental(t *testing.T) {
	for _, n := range []int{10, 400} {
		w := newWorld(t)
		alice := w.signUp(t, "alice")
		for i := range n {
			_, _, err := w.Repo(alice.did).Put(t.Context(), post, syntax.RecordKey(fmt.Sprint("k", i)), object{"text": fmt.Sprint(i)})
			check(t, err)
		}
		to := &counting{Bucket: newDir(t)}
		m := w.mirror(t, w.local(), to)
		check(t, m.Sync(t.Context()))
		if m.progress.Repos != 1 {
			t.Errorf("%d repos were fetched at first", m.progress.Repos)
		}
		first := to.written()
		alice.put(t, "new", object{"text": "new"})
		m = w.mirror(t, w.local(), to)
		check(t, m.Sync(t.Context()))
		if m.progress.Repos != 0 || m.progress.Events != 1 {
			t.Errorf("one commit came as %+v", m.progress)
		}
		if cost := to.written() - first; cost > 6000 {
			t.Errorf("one commit to a repo of %d records costs %d bytes", n, cost)
		}
		before := to.written()
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		if cost := to.written() - before; cost > 400 {
			t.Errorf("nothing new costs %d bytes", cost)
		}
		intact(t, to)
		w.same(t, restore(t, to), false)
	}
}

// TestSegmentsStayFew writes one commit per flush: merging keeps the segments few and what is written moderate, and in the
// end compaction makes one of them, and drops the blobs that nothing refers to.
func TestSegmentsStayFew(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	blob := alice.attach(t, "blob", "a blob")
	to := &counting{Bucket: newMemory()}
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	most, compacted, brought := 0, false, int64(0)
	start := to.written()
	alice.delete(t, "blob")
	for i := range 400 {
		_, _, err := w.Repo(alice.did).Put(t.Context(), post, syntax.RecordKey(fmt.Sprint("k", i%40)), object{"text": fmt.Sprint(i)})
		check(t, err)
		check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
		man, err := loadManifest(t.Context(), to, alice.did)
		check(t, err)
		most = max(most, len(man.Segments))
		compacted = compacted || i > 100 && len(man.Segments) == 1
		brought++
	}
	if most > 14 || !compacted {
		t.Errorf("up to %d segments; compacted: %t", most, compacted)
	}
	if each := (to.written() - start) / brought; each > 20_000 {
		t.Errorf("%d bytes are written for each commit", each)
	}
	if there, err := exists(t.Context(), to, blobObject(alice.did, blob)); err != nil || there {
		t.Errorf("an unused blob is kept: %t, %v", there, err)
	}
	files := 0
	for _, err := range to.List(t.Context(), repoFolder(alice.did)) {
		check(t, err)
		files++
	}
	man, err := loadManifest(t.Context(), to, alice.did)
	check(t, err)
	if files != len(man.Segments) {
		t.Errorf("%d files for %d segments", files, len(man.Segments))
	}
	intact(t, to)
	w.same(t, restore(t, to), false)
}

// TestOutdated lets events get lost before the mirror has seen them: it compares all accounts, and misses nothing.
func TestOutdated(t *testing.T) {
	for _, name := range []string{"local", "network"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			source := func() Source {
				if name == "network" {
					return w.network()
				}
				return w.local()
			}
			alice, bob, carol := w.signUp(t, "alice"), w.signUp(t, "bob"), w.signUp(t, "carol")
			to := newDir(t)
			check(t, w.mirror(t, source(), to).Sync(t.Context()))
			alice.put(t, "lost", object{"text": "lost"})
			bob.remove(t)
			w.signUp(t, "dave").attach(t, "lost", "lost")
			_, err := w.store.TrimEvents(t.Context(), time.Now().Add(time.Hour), 1000)
			check(t, err)
			carol.put(t, "kept", object{"text": "kept"})
			m := w.mirror(t, source(), to)
			check(t, m.Sync(t.Context()))
			if sum := intact(t, to); sum.Accounts != 3 || sum.Deleted != 1 {
				t.Errorf("the mirror has %+v", sum)
			}
			w.same(t, restore(t, to), name == "network")
		})
	}
}

// TestImportIsFetched: what comes without commits comes as a whole.
func TestImportIsFetched(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	for i := range 20 {
		alice.put(t, fmt.Sprint("k", i), object{"text": "old"})
	}
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	in, err := w.local().Repo(t.Context(), alice.did)
	check(t, err)
	defer in.Close()
	alice.put(t, "k3", object{"text": "newer than what is imported"})
	check(t, w.do(t.Context(), alice.access, "com.atproto.repo.importRepo", "application/vnd.ipld.car", in, nil))
	alice.put(t, "after", object{"text": "after"})
	m := w.mirror(t, w.local(), to)
	check(t, m.Sync(t.Context()))
	if m.progress.Repos != 1 {
		t.Errorf("%d repos were fetched", m.progress.Repos)
	}
	w.same(t, restore(t, to), false)
}

// TestOrigin: sequence numbers of two servers have nothing to do with each other.
func TestOrigin(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	to := newDir(t)
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	if err := other.mirror(t, other.local(), to).Sync(t.Context()); !errors.Is(err, ErrOrigin) {
		t.Errorf("the mirror of another server: %v", err)
	}
}

// TestTwoAtOnce: of two mirrors in one place, the older notices the newer and leaves it alone.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	alice := w.signUp(t, "alice")
	to := newDir(t)
	old := w.mirror(t, w.local(), to)
	check(t, old.Sync(t.Context()))
	check(t, w.mirror(t, w.local(), to).Sync(t.Context()))
	alice.put(t, "x", object{"text": "x"})
	old.state.Cursor = 0
	if err := old.flush(t.Context(), 99); !errors.Is(err, ErrConflict) {
		t.Errorf("the older one: %v", err)
	}
}

// TestCursorOfTheFuture: the server was restored from something older than the mirror.
func TestCursorOfTheFuture(t *testing.T) {
	w := newWorld(t)
	w.signUp(t, "alice")
	for _, source := range []Source{w.local(), w.network()} {
		for _, err := range source.Events(t.Context(), 1<<40, false) {
			if !errors.Is(err, ErrBehind) {
				t.Errorf("%T: %v", source, err)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a mirror of nothing")
	}
}
