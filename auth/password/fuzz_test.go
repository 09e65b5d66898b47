package password

import "testing"

func FuzzParseArgon2(f *testing.F) {
	f.Add(argon2Foreign)
	f.Add("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$$$$")
	f.Fuzz(func(t *testing.T, hash string) {
		h, err := parseArgon2(hash)
		if err != nil {
			return
		}
		if max := maxHashParams; h.memory > max.memory || h.time > max.time || h.threads > max.threads || h.time == 0 || h.threads == 0 {
			t.Fatalf("accepted %+v", h.argon2Params)
		}
		if again, err := parseArgon2(h.String()); err != nil || again.String() != h.String() {
			t.Fatalf("%q doesn't survive printing: %v", hash, err)
		}
	})
}
