package storagetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// Option says which part of the contracts of package storage can't hold for a store by its nature.
type Option string

// InMemory is for a store that keeps its content in the process's memory on purpose. It is not
// asked to take in much of it in little memory.
const InMemory Option = "in memory"

var memorySentences = []sentence{
	{"Repos.Replace", "memory", "Memory doesn't grow with the number of rows", testReplaceMemory},
	{"RepoReader.Records", "memory", "Memory doesn't grow with their number.", testRecordsMemory},
}

func runMemory(t *testing.T, open func(t *testing.T) storage.Store, options []Option) {
	switch {
	case slices.Contains(options, InMemory):
		t.Skip("the store keeps its content in memory")
	case testing.Short():
		t.Skip("it takes a while")
	}
	runSentences(t, memorySentences, open)
}

// large returns 64 KiB of text that can't be compressed. The numbers make it differ from others.
func large(n, i int) string {
	data := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(i), byte(i >> 8)}).Read(data)
	for i, b := range data {
		data[i] = ' ' + b&63
	}
	return string(data)
}

const (
	memoryRows  = 1536            // of a [large] text each, 96 MiB in all
	memoryLimit = int64(48 << 20) // what a store may take of that, for its caches and buffers
)

// fillLarge gives the first account's repo many large records. After each it calls look, and gives
// up if that returns false.
func fillLarge(t *testing.T, s storage.Store, look func(i int) bool) {
	t.Helper()
	c, root, _ := create(t, s, 1).replace()
	_, err := s.Replace(t.Context(), c, func(yield func(storage.Row, error) bool) {
		for i := range memoryRows {
			w := put(fmt.Sprintf("a.b.c/%05d", i), large(1, i))
			if !yield(storage.Row{Record: &w}, nil) {
				return
			}
			if !look(i) {
				yield(storage.Row{}, ErrFault)
				return
			}
		}
		yield(root[0], nil)
	})
	if !t.Failed() {
		ok(t, "Replace", err)
	}
}

// frugal returns a function that marks the test as failed, and returns false, if there is much more
// in memory than now. It looks every few rows.
func frugal(t *testing.T) func(i int) bool {
	before := inUse()
	return func(i int) bool {
		if i%128 != 127 {
			return true
		}
		grown := inUse() - before
		if grown > memoryLimit {
			t.Errorf("after %d rows of 64 KiB there are %d bytes more in memory than before", i+1, grown)
		}
		return grown <= memoryLimit
	}
}

func testReplaceMemory(t *testing.T, s storage.Store) { fillLarge(t, s, frugal(t)) }

func testRecordsMemory(t *testing.T, s storage.Store) {
	fillLarge(t, s, func(int) bool { return true })
	look, i := frugal(t), 0
	for rec, err := range s.Records(t.Context(), testDID(1), storage.RecordRange{}) {
		ok(t, "Records", err)
		if w := put(fmt.Sprintf("a.b.c/%05d", i), large(1, i)); rec.Path != w.Path || !bytes.Equal(rec.Bytes, w.Bytes) {
			t.Fatalf("Records yields another record than %s", w.Path)
		}
		if !look(i) {
			return
		}
		i++
	}
	want(t, "number of records", i, memoryRows)
}

// inUse returns how many bytes the program holds in its heap.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
