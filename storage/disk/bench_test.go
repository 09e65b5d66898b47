package disk_test

import (
	"bytes"
	"crypto/rand"
	"testing"
)

// BenchmarkPut uploads pictures of 100 KB, one after the other.
func BenchmarkPut(b *testing.B) {
	blobs := open(b, b.TempDir())
	data := make([]byte, 100_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		rand.Read(data)
		if _, _, err := blobs.Put(b.Context(), did, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
