package pds_test

import (
	"testing"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// A server may die after any of a sign-up's writes. Either the account is there then, or the next attempt makes it: what
// is left is never in its way.
func TestSignUpInterrupted(t *testing.T) {
	for survive := range 100 {
		writes, dying := 0, false
		w := start(t, func(c *pds.Config) {
			c.Store = &storagetest.Faulty{Store: memory.New(), Decide: func(string) storagetest.Fault {
				if writes++; dying && writes > survive {
					return storagetest.Lost
				}
				return storagetest.NoFault
			}}
		})
		writes, dying = 0, true
		w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice"))
		dying = false
		if writes <= survive {
			if survive < 4 {
				t.Fatalf("a sign-up is said to take %d writes", writes)
			}
			return
		}
		r := w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice"))
		if r.status != 200 && r.name() != "HandleNotAvailable" {
			t.Errorf("after %d writes: the second attempt got %s", survive, r)
		}
		w.post(t, "", "com.atproto.server.createSession",
			map[string]any{"identifier": "alice.test", "password": "alice-password"}).decode(t, nil)
	}
	t.Error("a sign-up doesn't end")
}
