//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random choices of TestKill")

const (
	killAccounts = 8
	killWriters  = 2 // for each account, at once
)

// TestKill kills the program again and again while many clients write and others read the stream of events, and examines
// each time what it has left: every write that was acknowledged is there, and nothing is there by half. In the end each
// reader, who came back with its cursor, has seen all that was acknowledged, once, and what all the others have seen.
func TestKill(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	t.Logf("-seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	k := &killing{data: filepath.Join(t.TempDir(), "data")}
	k.check.heads = map[string]link{}
	k.readers = newReaders(random)
	for round := range rounds {
		p := launch(t, k.data, "LOG_LEVEL=warn")
		if round == 0 {
			k.signUp(t, p.url, random)
		}
		k.signUpAgain(t, p.url)
		k.write(t, p, round, 10+random.IntN(100), time.Duration(random.IntN(20_000))*time.Microsecond)
		if s := p.stderr.String(); s != "" {
			t.Errorf("round %d: the program complains:\n%s", round, s)
		}
		k.examine(t)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d writes were acknowledged; of %d that weren't, %d had happened",
		k.acknowledged.Load(), k.happened+k.lost, k.happened)
	p := launch(t, k.data, "LOG_LEVEL=warn")
	k.signUpAgain(t, p.url)
	k.examineReaders(t, p)
	p.terminate(t)
	if k.lost == 0 && rounds == 50 {
		t.Error("no write was ever under way when the program was killed")
	}
}

// killing is the data folder, and what is known of it.
type killing struct {
	data    string
	writers []*writer
	readers []*reader
	check   logCheck
	round   int // how often it was examined

	names   []string // of the accounts that signed up while others wrote
	pending string   // the last of them, if its sign-up wasn't acknowledged

	acknowledged   atomic.Int64
	happened, lost int // of the writes that weren't
}

func (k *killing) signUp(t *testing.T, url string, random *rand.Rand) {
	for i := range killAccounts {
		s, err := signUp(t.Context(), url, fmt.Sprintf("account%d", i))
		if err != nil {
			t.Fatal(err)
		}
		for j := range killWriters {
			k.writers = append(k.writers, &writer{
				session:    *s,
				collection: fmt.Sprintf("com.example.writer%d", j),
				random:     rand.New(rand.NewPCG(random.Uint64(), random.Uint64())),
				known:      map[string]version{},
			})
		}
	}
}

// signUpAgain repeats the sign-up that the last kill has interrupted: if the account isn't there, nothing of it is in
// the way of a new one.
func (k *killing) signUpAgain(t *testing.T, url string) {
	t.Helper()
	if k.pending == "" {
		return
	}
	_, err := signUp(t.Context(), url, k.pending)
	var r *refusal
	if errors.As(err, &r) && r.status == 400 {
		if _, err = logIn(t.Context(), url, k.pending); err != nil {
			err = fmt.Errorf("%w, and %w", r, err)
		}
	}
	if err != nil {
		t.Fatalf("sign-up of %s after it was interrupted: %v", k.pending, err)
	}
	k.pending = ""
}

// write lets everybody write, and kills the program a while after a number of writes.
func (k *killing) write(t *testing.T, p *process, round, writes int, while time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var killed atomic.Bool
	var left atomic.Int64
	left.Store(int64(writes))
	enough := make(chan struct{})
	failed := func(who string, err error) {
		var r *refusal
		if errors.As(err, &r) || errors.Is(err, errBroken) || !killed.Load() {
			t.Errorf("%s: %v", who, err)
		}
	}
	var wg sync.WaitGroup
	for _, w := range k.writers {
		wg.Go(func() {
			for w.url = p.url; ; {
				if err := w.write(ctx); err != nil {
					failed(w.did, err)
					return
				}
				k.acknowledged.Add(1)
				if left.Add(-1) == 0 {
					close(enough)
				}
			}
		})
	}
	for _, r := range k.readers {
		if round%r.every == 0 {
			wg.Go(func() { failed(r.name, r.follow(ctx, p.url, nil)) })
		}
	}
	wg.Go(func() {
		name := fmt.Sprintf("late%d", round)
		k.pending = name
		if _, err := signUp(ctx, p.url, name); err != nil {
			failed(name, err)
			return
		}
		k.pending = ""
		k.names = append(k.names, name)
	})
	select {
	case <-enough:
		<-time.After(while)
	case <-p.ended:
	case <-ctx.Done():
		t.Error("the program is stuck")
	}
	killed.Store(true)
	p.kill()
	cancel()
	wg.Wait()
}
