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

// A write may also be done and yet be reported as failed. The next attempt gets along with that, too.
func TestSignUpWithWriteInDoubt(t *testing.T) {
	for at := 1; at <= 100; at++ {
		writes, counting := 0, false
		w := start(t, func(c *pds.Config) {
			c.Store = &storagetest.Faulty{Store: memory.New(), Decide: func(string) storagetest.Fault {
				if !counting {
					return storagetest.NoFault
				}
				if writes++; writes == at {
					return storagetest.Applied
				}
				return storagetest.NoFault
			}}
		})
		counting = true
		w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice"))
		counting = false
		if writes < at {
			if at < 5 {
				t.Fatalf("a sign-up is said to take %d writes", writes)
			}
			return
		}
		r := w.post(t, "", "com.atproto.server.createAccount", signUpInput("alice"))
		if r.status != 200 && r.name() != "HandleNotAvailable" {
			t.Errorf("write %d in doubt: the second attempt got %s", at, r)
		}
		w.post(t, "", "com.atproto.server.createSession",
			map[string]any{"identifier": "alice.test", "password": "alice-password"}).decode(t, nil)
	}
	t.Error("a sign-up doesn't end")
}

// TestSignUpTwice: of two attempts to finish a sign-up the slower one doesn't take the key of the faster one's account.
func TestSignUpTwice(t *testing.T) {
	w, store := startMeddling(t)
	store.fail("CreateAccount")
	w.post(t, "", server+"createAccount", signUpInput("alice")).refused(t, 500, "InternalServerError", "")
	var alice *user
	store.once("Document", "signup-email", func() error {
		alice = w.signUp(t, "alice")
		return nil
	})
	w.post(t, "", server+"createAccount", signUpInput("alice")).refused(t, 400, "InvalidRequest", "already taken")
	if alice == nil {
		t.Fatal("the attempts weren't simultaneous")
	}
	alice.create(t, "signed")
}

// TestSignUpUnlucky: that the store doesn't answer for a moment is no reason to give an identity up.
func TestSignUpUnlucky(t *testing.T) {
	w, store := startMeddling(t)
	store.fail("CreateAccount")
	w.post(t, "", server+"createAccount", signUpInput("alice")).refused(t, 500, "InternalServerError", "")
	store.once("AccountByEmail", "", func() error { // the first time, before the reservation is looked for
		store.fail("AccountByEmail")
		return nil
	})
	w.post(t, "", server+"createAccount", signUpInput("alice")).refused(t, 500, "InternalServerError", "")
	w.signUp(t, "alice")
	if n := w.registered(t); n != 1 {
		t.Errorf("%d DIDs were registered", n)
	}
}
