package keys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func newTestSealers(t testing.TB) sealers {
	t.Helper()
	var ss sealers
	for _, secret := range [][]byte{secretA, secretB} {
		s, err := newSealer(secret)
		if err != nil {
			t.Fatal(err)
		}
		ss = append(ss, s)
	}
	return ss
}

func TestSeal(t *testing.T) {
	ss := newTestSealers(t)
	plain := []byte("thirty-two bytes of a signing ke")
	for _, s := range ss {
		sealed := s.seal("name", plain)
		if bytes.Contains(sealed, plain) {
			t.Error("sealed isn't sealed")
		}
		if again := s.seal("name", plain); bytes.Equal(again, sealed) {
			t.Error("sealing twice gave the same")
		}
		if got, err := ss.open("name", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := ss.open("another name", sealed); !errors.Is(err, ErrCorrupt) {
			t.Errorf("moved to another name: got %v, want ErrCorrupt", err)
		}
	}
}

// No bit of a sealed key can be changed, and no byte be missing.
func TestSealDetectsChanges(t *testing.T) {
	ss := newTestSealers(t)
	sealed := ss[0].seal("name", []byte("plain"))
	for i := range 8 * len(sealed) {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		want := ErrCorrupt
		if byteIndex := i / 8; byteIndex >= 1 && byteIndex < headerLen {
			want = ErrSealed
		}
		if _, err := ss.open("name", changed); !errors.Is(err, want) {
			t.Fatalf("bit %d: got %v, want %v", i, err, want)
		}
	}
	for n := range sealed {
		if _, err := ss.open("name", sealed[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d bytes: got %v, want ErrCorrupt", n, err)
		}
	}
}

// golden was sealed for "name" under secretA. The ID of the secret in it is what another program's HKDF gives.
var golden, _ = hex.DecodeString("01" + "fb90effb38c6ef56" + "d5ea48f81c07ac9dcc99219422df02051bf48c22075ecc9c" +
	"13bef579589c4629498a3078b499974d84f393f5119e")

// A key sealed by the first release opens forever.
func TestSealedFormIsStable(t *testing.T) {
	if got, err := newTestSealers(t).open("name", golden); err != nil || string(got) != "golden" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		plain []byte
		want  error
	}{
		{nil, ErrCorrupt},
		{[]byte{0}, ErrKind},
		{[]byte{byte(random), 1, 2, 3}, ErrKind},
		{[]byte{byte(K256)}, ErrCorrupt},
		{append([]byte{byte(K256)}, make([]byte, 32)...), ErrCorrupt},
		{append([]byte{byte(K256)}, bytes.Repeat([]byte{255}, 32)...), ErrCorrupt},
		{append([]byte{byte(P256)}, make([]byte, 32)...), ErrCorrupt},
		{append([]byte{byte(P256)}, bytes.Repeat([]byte{1}, 31)...), ErrCorrupt},
	}
	for _, test := range tests {
		if _, err := decode(test.plain); !errors.Is(err, test.want) {
			t.Errorf("%x: got %v, want %v", test.plain, err, test.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	ss := newTestSealers(f)
	f.Add("name", golden)
	f.Add("", []byte{sealVersion})
	f.Add("x", append(ss[1].header[:], make([]byte, nonceLen)...))
	f.Fuzz(func(t *testing.T, name string, sealed []byte) {
		plain, err := ss.open(name, sealed)
		switch {
		case err == nil && !(name == "name" && bytes.Equal(sealed, golden)):
			t.Fatalf("opened what nobody sealed: %x", plain)
		case err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrSealed):
			t.Fatal(err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(append([]byte{byte(K256)}, bytes.Repeat([]byte{7}, 32)...))
	f.Add(append([]byte{byte(P256)}, bytes.Repeat([]byte{7}, 32)...))
	f.Fuzz(func(t *testing.T, plain []byte) {
		key, err := decode(plain)
		if err != nil {
			return
		}
		if again, err := encode(key); err != nil || !bytes.Equal(again, plain) {
			t.Fatalf("%x became %x, %v", plain, again, err)
		}
	})
}
