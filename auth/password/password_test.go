package password

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	hash, err := Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Errorf("got %s", hash)
	}
	again, err := Hash(t.Context(), "correct horse")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same, or %v", err)
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false} {
		if ok, rehash, err := Verify(t.Context(), hash, password); err != nil || ok != want || rehash {
			t.Errorf("%q: got %v, %v, %v, want %v", password, ok, rehash, err, want)
		}
	}
}

// The lengths count characters, as they do for a client.
func TestLength(t *testing.T) {
	for n, want := range map[int]error{0: ErrLength, 1: nil, 256: nil, 257: ErrLength} {
		if _, err := Hash(t.Context(), strings.Repeat("ä", n)); !errors.Is(err, want) {
			t.Errorf("%d characters: got %v, want %v", n, err, want)
		}
	}
}

// Computed by Node: crypto.scryptSync(password, salt, 64), where the salt is the string before the colon.
const (
	scryptASCII   = "00112233445566778899aabbccddeeff:5699cfee2c5c280e66678242092f368ce88ff05305af2c75a9e629d473deb2165b3797e0e31ec3cda30414573befb697f928384c38b187e8c176107e5be20f01"
	scryptUnicode = "00112233445566778899aabbccddeeff:e0c009d7b2db7e65f658ac5958ed2cbf0d5bd272c9c652c905a4b63c7f55bff615dcde13e24cc3659db52fe433aa7d0a8402487b4add4fcfde6b48487c46f97e"
)

// Computed by the argon2 reference implementation's test suite: version 0x13, argon2id, "password" and "somesalt".
const argon2Foreign = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestVerify(t *testing.T) {
	tests := []struct {
		name, hash, password string
		ok, rehash           bool
	}{
		{"scrypt", scryptASCII, "correct horse battery staple", true, true},
		{"scrypt, wrong", scryptASCII, "correct horse battery stapl", false, false},
		{"scrypt, not ASCII", scryptUnicode, "pässwörd 🔑", true, true},
		{"argon2id of another program", argon2Foreign, "password", true, false},
		{"argon2id of another program, wrong", argon2Foreign, "passwort", false, false},
		{"no password set", "", "", false, false},
		{"overlong", scryptASCII, strings.Repeat("x", Max+1), false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ok, rehash, err := Verify(t.Context(), test.hash, test.password)
			if err != nil || ok != test.ok || rehash != test.rehash {
				t.Errorf("got %v, %v, %v, want %v, %v", ok, rehash, err, test.ok, test.rehash)
			}
		})
	}
}

func TestVerifyRehash(t *testing.T) {
	h := argon2Hash{argon2Params: argon2Params{memory: 8, time: 1, threads: 1}, salt: make([]byte, saltLen)}
	h.key = h.derive("password", keyLen)
	if ok, rehash, err := Verify(t.Context(), h.String(), "password"); !ok || !rehash || err != nil {
		t.Errorf("got %v, %v, %v for a weak hash, want it to be replaced", ok, rehash, err)
	}
	if ok, rehash, err := Verify(t.Context(), h.String(), "wrong"); ok || rehash || err != nil {
		t.Errorf("got %v, %v, %v for a wrong password", ok, rehash, err)
	}
}

func TestVerifyRefusesHash(t *testing.T) {
	const salt, key = "$c29tZXNhbHQ", "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, hash := range []string{
		"x", ":", "salt:hash", scryptASCII[1:], scryptASCII + "00", strings.Replace(scryptASCII, "0", "g", 1),
		"$argon2i$v=19$m=65536,t=2,p=1" + salt + key,
		"$argon2id$v=16$m=65536,t=2,p=1" + salt + key,
		"$argon2id$v=19$m=4194304,t=2,p=1" + salt + key,
		"$argon2id$v=19$m=65536,t=4294967295,p=1" + salt + key,
		"$argon2id$v=19$m=65536,t=2,p=255" + salt + key,
		"$argon2id$v=19$m=65536,t=0,p=1" + salt + key,
		"$argon2id$v=19$m=0,t=2,p=1" + salt + key,
		"$argon2id$v=19$m=65536,t=2,p=0" + salt + key,
		"$argon2id$v=19$m=-1,t=2,p=1" + salt + key,
		"$argon2id$v=19$t=2,m=65536,p=1" + salt + key,
		"$argon2id$v=19$m=65536,t=2" + salt + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1" + salt + "$AAAA",
		"$argon2id$v=19$m=65536,t=2,p=1" + salt,
		"$argon2id$v=19$m=65536,t=2,p=1$!" + key,
		"$argon2id$v=19$m=65536,t=2,p=1" + salt + "$" + strings.Repeat("A", 4096),
	} {
		if ok, _, err := Verify(t.Context(), hash, "password"); ok || !errors.Is(err, ErrHash) {
			t.Errorf("%q: got %v, %v, want ErrPasswordHash", hash, ok, err)
		}
		if err := CheckHash(hash); !errors.Is(err, ErrHash) {
			t.Errorf("%q is accepted: %v", hash, err)
		}
	}
}

// endedMeanwhile is a context that ends after it was asked for the first time.
type endedMeanwhile struct {
	context.Context
	asked bool
}

func (c *endedMeanwhile) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return c.Context.Err()
}

func TestPasswordsWaitForTheirTurn(t *testing.T) {
	for range cap(turns) {
		turns <- struct{}{}
	}
	defer func() {
		for range cap(turns) {
			<-turns
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := VerifyNone(&endedMeanwhile{Context: ctx}, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("VerifyNone ran out of turn, or %v", err)
	}
	if _, err := Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: got %v, want context.Canceled", err)
	}
	if _, err := Scrypt(ctx, "x", [16]byte{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Scrypt: got %v, want context.Canceled", err)
	}
	if _, _, err := Verify(ctx, scryptASCII, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: got %v, want context.Canceled", err)
	}
}

func TestPasswordsOfEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if err := VerifyNone(ctx, "x"); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	}
}
