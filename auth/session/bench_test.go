package session

import (
	"testing"

	"github.com/pdskit/pdskit/storage/memory"
)

func BenchmarkVerify(b *testing.B) {
	c := &clock{now: start}
	s, err := New(Config{Store: memory.New(), Secret: []byte(secret), Audience: audience, Now: c.Now})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Verify(referenceAccess); err != nil {
			b.Fatal(err)
		}
	}
}
