package password

import "testing"

func BenchmarkVerifyNone(b *testing.B) {
	for b.Loop() {
		if err := VerifyNone(b.Context(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyScrypt(b *testing.B) {
	for b.Loop() {
		if ok, _, err := Verify(b.Context(), scryptASCII, "correct horse battery staple"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
