package storagetest

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/pdskit/pdskit/storage"
)

// crashStepsVariable names the environment variable that says how many steps each writer has made
// before.
const crashStepsVariable = "STORAGETEST_CRASH_STEPS"

// crashLine is what the process that is killed prints after a write was acknowledged: who wrote,
// and the newest sequence number then.
const crashLine = "acknowledged to %d, %d"

// crashChild writes until it is killed.
func crashChild(ctx context.Context, dir string, open func(dir string) (storage.Store, error)) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := open(dir)
	if err != nil {
		fail(err)
	}
	if m, there := storage.As[storage.Maintainer](s); there {
		go func() {
			for {
				if err := m.Maintain(ctx); err != nil {
					fail(err)
				}
			}
		}()
	}
	acknowledged := make(chan string)
	for i, steps := range strings.Fields(os.Getenv(crashStepsVariable)) {
		state, made := newCrashState(i), 0
		if _, err := fmt.Sscan(steps, &made); err != nil {
			fail(err)
		}
		for range made {
			_, state = state.next()
		}
		go func() {
			for {
				step, next := state.next()
				if err := step.do(ctx, s); err != nil {
					fail(fmt.Errorf("writer %d, step %d, %s: %w", i, state.step, step.name, err))
				}
				seq, err := s.LastSeq(ctx)
				if err != nil {
					fail(err)
				}
				acknowledged <- fmt.Sprintf(crashLine, i, seq)
				state = next
			}
		}()
	}
	for line := range acknowledged {
		fmt.Println(line)
	}
}
