package backup

import (
	"bytes"
	"errors"
	"testing"
)

// A server that was set up anew, or comes from an older copy, takes nothing from its mirror.
func TestBehind(t *testing.T) {
	for _, kind := range []string{"local", "network"} {
		t.Run(kind, func(t *testing.T) {
			source := func(w *world) Source {
				if kind == "local" {
					return w.local()
				}
				return w.network()
			}
			w := newWorld(t)
			alice := w.signUp(t, "alice")
			to := newDir(t)
			sync := func(w *world) error {
				m := w.mirror(t, source(w), to)
				m.config.Origin = "pds.test"
				return m.Sync(t.Context())
			}
			check(t, sync(w))
			alice.put(t, "one", object{"text": "one"})
			check(t, sync(w))

			server, err := load(t.Context(), to, serverName)
			if kind == "local" {
				check(t, err)
			}
			anew := newWorld(t)
			anew.signUp(t, "bob")
			for range 2 {
				if err := sync(anew); !errors.Is(err, ErrBehind) {
					t.Errorf("from a server that was set up anew: %v", err)
				}
			}
			intact(t, to)
			if now, err := load(t.Context(), to, serverName); kind == "local" && (err != nil || !bytes.Equal(now, server)) {
				t.Errorf("the server's keys are others: %v", err)
			}
			if man, err := loadManifest(t.Context(), to, alice.did); err != nil || len(man.Segments) == 0 {
				t.Errorf("what the mirror had is gone: %v", err)
			}
		})
	}
}
