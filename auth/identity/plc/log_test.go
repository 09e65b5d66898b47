package plc

import (
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

const orderMessage = "Operations not correctly ordered"

func TestLogRules(t *testing.T) {
	high, low, stranger := newSigner(t), newSignerP256(t), newSigner(t)
	genesis := sign(t, &Operation{State: stateOf("alice", high, low)}, low)
	did := didOf(t, genesis)

	// start returns a directory in which high and low have signed an update each, and the CIDs so far.
	start := func(t *testing.T) (*Directory, *clock, []string) {
		c := newClock()
		d := newDirectory(t, DirectoryConfig{Clock: c.now})
		submit(t, d, did, genesis)
		cids := []string{cidOf(t, genesis)}
		for i, k := range []Signer{high, low} {
			c.move(time.Hour)
			op := sign(t, &Operation{State: stateOf("update"+string(rune('a'+i)), high, low), Prev: cids[i]}, k)
			submit(t, d, did, op)
			cids = append(cids, cidOf(t, op))
		}
		return d, c, cids
	}
	update := func(t *testing.T, prev string, k Signer) *Operation {
		return sign(t, &Operation{State: stateOf("new", high, low), Prev: prev}, k)
	}
	check := func(t *testing.T, d *Directory, nullified ...bool) {
		t.Helper()
		audit, err := d.AuditLog(did)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(did, audit); err != nil {
			t.Error(err)
		}
		if len(audit) != len(nullified) {
			t.Fatalf("%d entries", len(audit))
		}
		for i, e := range audit {
			if e.Nullified != nullified[i] {
				t.Errorf("entry %d: nullified is %t", i, e.Nullified)
			}
		}
	}

	t.Run("each rotation key may sign", func(t *testing.T) {
		d, _, _ := start(t)
		check(t, d, false, false, false)
	})
	t.Run("no other key may sign", func(t *testing.T) {
		d, _, cids := start(t)
		if err := d.Submit(t.Context(), did, update(t, cids[2], stranger)); !errors.Is(err, errSignature) {
			t.Error(err)
		}
		check(t, d, false, false, false)
	})
	t.Run("a key that was rotated out may not sign", func(t *testing.T) {
		d, _, cids := start(t)
		op := sign(t, &Operation{State: stateOf("new", high), Prev: cids[2]}, low)
		submit(t, d, did, op)
		if err := d.Submit(t.Context(), did, update(t, cidOf(t, op), low)); !errors.Is(err, errSignature) {
			t.Error(err)
		}
	})
	t.Run("a key may undo what a lower one signed", func(t *testing.T) {
		d, _, cids := start(t)
		submit(t, d, did, update(t, cids[1], high))
		check(t, d, false, false, true, false)
		if data, err := d.Data(did); err != nil || data.Handle() != "new.test" {
			t.Error(data.Handle(), err)
		}
	})
	t.Run("a key may not undo what itself or a higher one signed", func(t *testing.T) {
		d, c, cids := start(t)
		c.move(time.Minute)
		for _, op := range []Op{update(t, cids[1], low), update(t, cids[0], high), update(t, cids[0], low)} {
			if err := d.Submit(t.Context(), did, op); !errors.Is(err, errSignature) {
				t.Error(err)
			}
		}
		check(t, d, false, false, false)
	})
	t.Run("recovery ends after exactly 72 hours", func(t *testing.T) {
		d, c, cids := start(t)
		c.move(recoveryWindow + time.Millisecond)
		wantRefusal(t, d.Submit(t.Context(), did, update(t, cids[1], high)), errLateRecovery,
			"Recovery operation occurred outside of the allowed 72 hr recovery window. Time lapsed: 259200001")
		c.move(-time.Millisecond)
		submit(t, d, did, update(t, cids[1], high))
		check(t, d, false, false, true, false)
	})
	t.Run("a nullified operation has no successor", func(t *testing.T) {
		d, _, cids := start(t)
		submit(t, d, did, update(t, cids[1], high))
		wantRefusal(t, d.Submit(t.Context(), did, update(t, cids[2], high)), errOrder, orderMessage)
	})
	t.Run("an unknown, absent or unreadable prev is refused", func(t *testing.T) {
		d, _, _ := start(t)
		other := sign(t, &Operation{State: stateOf("bob", high)}, high)
		for _, prev := range []string{cidOf(t, other), "", "nonsense"} {
			wantRefusal(t, d.Submit(t.Context(), did, update(t, prev, high)), errOrder, orderMessage)
		}
	})
	t.Run("a tombstone ends the identity", func(t *testing.T) {
		d, _, cids := start(t)
		end := sign(t, &Tombstone{Prev: cids[2]}, low)
		submit(t, d, did, end)
		wantRefusal(t, d.Submit(t.Context(), did, update(t, cidOf(t, end), high)), errOrder, orderMessage)
		if _, err := d.Data(did); !errors.Is(err, ErrNotFound) || !errors.Is(err, ErrTombstoned) {
			t.Error(err)
		}
		check(t, d, false, false, false, false)
	})
	t.Run("a tombstone can be undone", func(t *testing.T) {
		d, _, cids := start(t)
		submit(t, d, did, sign(t, &Tombstone{Prev: cids[2]}, low))
		submit(t, d, did, update(t, cids[2], high))
		check(t, d, false, false, false, true, false)
	})
	t.Run("a genesis operation fits its DID only", func(t *testing.T) {
		d := newDirectory(t, DirectoryConfig{})
		other := sign(t, &Operation{State: stateOf("bob", high)}, high)
		wantRefusal(t, d.Submit(t.Context(), did, other), errGenesis,
			"Hash of genesis operation does not match DID identifier: "+didOf(t, other).String())
	})
	t.Run("a genesis operation is signed by a key of its own", func(t *testing.T) {
		d := newDirectory(t, DirectoryConfig{})
		op := sign(t, &Operation{State: stateOf("bob", high)}, low)
		if err := d.Submit(t.Context(), didOf(t, op), op); !errors.Is(err, errSignature) {
			t.Error(err)
		}
	})
	t.Run("a genesis operation has no prev", func(t *testing.T) {
		d := newDirectory(t, DirectoryConfig{})
		op := update(t, cidOf(t, genesis), high)
		if err := d.Submit(t.Context(), didOf(t, op), op); !errors.Is(err, errOrder) {
			t.Error(err)
		}
	})
	t.Run("a log doesn't begin with a tombstone", func(t *testing.T) {
		d := newDirectory(t, DirectoryConfig{})
		op := sign(t, &Tombstone{Prev: cidOf(t, genesis)}, high)
		wantRefusal(t, d.Submit(t.Context(), didOf(t, op), op), errOrder, orderMessage)
	})
	t.Run("a legacy genesis operation is verified, but not taken", func(t *testing.T) {
		op := &legacyCreate{SigningKey: didKey(low), RecoveryKey: didKey(high), Handle: "alice.test", Service: "pds.test"}
		data, err := encodeUnsigned(op)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := low.Sign(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		op.Sig = resign(sig)
		did := didOf(t, op)
		if _, err := next(did, nil, op, time.Time{}); err != nil {
			t.Error(err)
		}
		if s, _ := op.Result(); s.Handle() != "alice.test" || s.PDS() != "https://pds.test" {
			t.Error(s)
		}
		if err := newDirectory(t, DirectoryConfig{}).Submit(t.Context(), did, op); !errors.Is(err, ErrMalformed) {
			t.Error(err)
		}
	})
}

func TestVerifyFindsForgery(t *testing.T) {
	k := newSigner(t)
	c := newClock()
	d := newDirectory(t, DirectoryConfig{Clock: c.now})
	genesis := sign(t, &Operation{State: stateOf("alice", k)}, k)
	did := didOf(t, genesis)
	submit(t, d, did, genesis)
	submit(t, d, did, sign(t, &Operation{State: stateOf("bob", k), Prev: cidOf(t, genesis)}, k))
	tests := map[string]func([]Entry) []Entry{
		"no entry":               func(l []Entry) []Entry { return nil },
		"the first missing":      func(l []Entry) []Entry { return l[1:] },
		"another DID":            func(l []Entry) []Entry { l[1].DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"; return l },
		"another CID":            func(l []Entry) []Entry { l[1].CID = l[0].CID; return l },
		"wrongly nullified":      func(l []Entry) []Entry { l[1].Nullified = true; return l },
		"another operation":      func(l []Entry) []Entry { l[1].Op = l[0].Op; return l },
		"an operation repeated":  func(l []Entry) []Entry { return append(l, l[1]) },
		"a signature taken away": func(l []Entry) []Entry { l[1].Op = &Tombstone{Prev: cidOf(t, genesis)}; return l },
	}
	for name, forge := range tests {
		audit, err := d.AuditLog(did)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(did, append([]Entry(nil), audit...)); err != nil {
			t.Fatal(err)
		}
		if verify(did, forge(append([]Entry(nil), audit...))) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

// TestSignatureSpelling: each signature has one spelling, since the CID and so every later operation depend on it.
func TestSignatureSpelling(t *testing.T) {
	k256, ok := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	if !ok {
		t.Fatal("order of K-256")
	}
	for name, c := range map[string]struct {
		signer Signer
		order  *big.Int
	}{"K-256": {newSigner(t), k256}, "P-256": {newSignerP256(t), elliptic.P256().Params().N}} {
		op := sign(t, &Operation{State: stateOf("alice", c.signer)}, c.signer)
		keys := []string{"did:key:zUnknown", didKey(newSigner(t)), didKey(c.signer)}
		if i, err := verifySignature(op, keys); i != 2 || err != nil {
			t.Fatal(name, i, err)
		}
		sig, err := base64.RawURLEncoding.DecodeString(op.Sig)
		if err != nil {
			t.Fatal(err)
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		highS := append(append([]byte{}, sig[:32]...), new(big.Int).Sub(c.order, s).FillBytes(make([]byte, 32))...)
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, op.Sig[len(op.Sig)-1])
		for spelling, s := range map[string]string{
			"none":         "",
			"padded":       op.Sig + "==",
			"line break":   op.Sig[:10] + "\n" + op.Sig[10:],
			"space":        op.Sig + " ",
			"stray bits":   op.Sig[:len(op.Sig)-1] + alphabet[last+1:last+2],
			"DER":          resign(der),
			"high S":       resign(highS),
			"not base64":   "%%%",
			"of 63 bytes":  resign(sig[:63]),
			"of something": resign(append([]byte{sig[0] ^ 1}, sig[1:]...)),
		} {
			forged := *op
			forged.Sig = s
			if _, err := verifySignature(&forged, keys); !errors.Is(err, errSignature) {
				t.Errorf("%s, %s: %v", name, spelling, err)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	k := newSigner(t)
	long := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int, f func(id string)) {
		for i := range n {
			f(string(rune('a' + i)))
		}
	}
	tests := []struct {
		name, message string
		good, bad     func(s *State)
	}{
		{"names", "To many alsoKnownAs entries (max 10)",
			func(s *State) { s.AlsoKnownAs = strings.Split("abcdefghij", "") },
			func(s *State) { s.AlsoKnownAs = strings.Split("abcdefghijk", "") }},
		{"length of a name", "alsoKnownAs entry too long (max 258): " + long(259),
			func(s *State) { s.AlsoKnownAs = []string{long(258)} },
			func(s *State) { s.AlsoKnownAs = []string{long(259)} }},
		{"length in UTF-16", "alsoKnownAs entry too long (max 258): " + strings.Repeat("\U0001F600", 129) + "x",
			func(s *State) { s.AlsoKnownAs = []string{strings.Repeat("\U0001F600", 129)} },
			func(s *State) { s.AlsoKnownAs = []string{strings.Repeat("\U0001F600", 129) + "x"} }},
		{"duplicate names", "duplicate alsoKnownAs entry: a",
			func(s *State) { s.AlsoKnownAs = []string{"a", "b"} },
			func(s *State) { s.AlsoKnownAs = []string{"a", "a"} }},
		{"rotation keys", "Too many rotationKey entries (max 10)",
			func(s *State) { s.RotationKeys = strings.Split(strings.Repeat(didKey(k)+" ", 9)+didKey(k), " ") },
			func(s *State) { s.RotationKeys = strings.Split(strings.Repeat(didKey(k)+" ", 10)+didKey(k), " ") }},
		{"type of a rotation key", "Invalid rotationKey: did:key:z6MkjwbBXZnFqL8su24wGL2Fdjti6GSLv9SWdYGswfazUPm9",
			func(s *State) {},
			func(s *State) {
				s.RotationKeys = []string{"did:key:z6MkjwbBXZnFqL8su24wGL2Fdjti6GSLv9SWdYGswfazUPm9"}
			}},
		{"services", "To many service entries (max 10)",
			func(s *State) { clear(s.Services); many(10, func(id string) { s.Services[id] = Service{} }) },
			func(s *State) { clear(s.Services); many(11, func(id string) { s.Services[id] = Service{} }) }},
		{"ID of a service", "Service id too long (max 32): " + long(33),
			func(s *State) { s.Services[long(32)] = Service{} },
			func(s *State) { s.Services[long(33)] = Service{} }},
		{"type of a service", "Service type too long (max 256)",
			func(s *State) { s.Services["a"] = Service{Type: long(256)} },
			func(s *State) { s.Services["a"] = Service{Type: long(257)} }},
		{"endpoint of a service", "Service endpoint too long (max 512)",
			func(s *State) { s.Services["a"] = Service{Endpoint: long(512)} },
			func(s *State) { s.Services["a"] = Service{Endpoint: long(513)} }},
		{"methods", "Too many Verification Method entries (max 10)",
			func(s *State) { many(9, func(id string) { s.VerificationMethods[id] = didKey(k) }) },
			func(s *State) { many(10, func(id string) { s.VerificationMethods[id] = didKey(k) }) }},
		{"ID of a method", "Verification Method id too long (max 32): " + long(33),
			func(s *State) { s.VerificationMethods[long(32)] = didKey(k) },
			func(s *State) { s.VerificationMethods[long(33)] = didKey(k) }},
		{"length of a method", "Verification Method key too long (max 256): did:key:z" + long(248),
			func(s *State) { s.VerificationMethods["a"] = "did:key:z" + long(247) },
			func(s *State) { s.VerificationMethods["a"] = "did:key:z" + long(248) }},
		{"spelling of a method", "Invalid verificationMethod key: did:key:z0",
			func(s *State) {
				s.VerificationMethods["a"] = "did:key:z6MkjwbBXZnFqL8su24wGL2Fdjti6GSLv9SWdYGswfazUPm9"
			},
			func(s *State) { s.VerificationMethods["a"] = "did:key:z0" }},
		{"size", "Operation too large (4000 bytes maximum in cbor encoding)",
			func(s *State) { many(6, func(id string) { s.Services[id] = Service{Endpoint: long(500)} }) },
			func(s *State) { many(8, func(id string) { s.Services[id] = Service{Endpoint: long(500)} }) }},
	}
	for _, test := range tests {
		good, bad := stateOf("alice", k), stateOf("alice", k)
		test.good(&good)
		test.bad(&bad)
		if err := checkLimits(&Operation{State: good}); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		wantRefusal(t, checkLimits(&Operation{State: bad}), ErrMalformed, test.message)
	}
}

func TestRateLimit(t *testing.T) {
	k, thief := newSigner(t), newSigner(t)
	c := newClock()
	d := newDirectory(t, DirectoryConfig{Clock: c.now, LimitRate: true})
	op := sign(t, &Operation{State: stateOf("alice", k, thief)}, k)
	did, first := didOf(t, op), op
	submit(t, d, did, op)
	next := func(by Signer) error {
		n := sign(t, &Operation{State: stateOf("alice", k, thief), Prev: cidOf(t, op)}, by)
		err := d.Submit(t.Context(), did, n)
		if err == nil {
			op = n
		}
		return err
	}
	for range 9 {
		if err := next(thief); err != nil {
			t.Fatal(err)
		}
	}
	wantRefusal(t, next(thief), errRateLimited, "To many operations within last hour (max 10)")
	for range 20 {
		c.move(time.Hour)
		if err := next(thief); err != nil {
			t.Fatal(err)
		}
	}
	c.move(time.Hour)
	wantRefusal(t, next(thief), errRateLimited, "To many operations within last day (max 30)")

	submit(t, d, did, sign(t, &Operation{State: stateOf("alice", k), Prev: cidOf(t, first)}, k)) // recovery isn't limited
	if _, err := d.AuditLog(syntax.DID("did:plc:none")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
