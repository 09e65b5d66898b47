package auth

import (
	"testing"

	"github.com/pdskit/pdskit/storage/memory"
)

func BenchmarkVerify(b *testing.B) {
	c := &clock{now: start}
	s, err := NewSessions(SessionsConfig{Store: memory.New(), Secret: []byte(secret), Audience: audience, Now: c.Now})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Verify(referenceAccess); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyNone(b *testing.B) {
	for b.Loop() {
		if err := VerifyNone(b.Context(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPasswordScrypt(b *testing.B) {
	for b.Loop() {
		if ok, _, err := VerifyPassword(b.Context(), scryptASCII, "correct horse battery staple"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
