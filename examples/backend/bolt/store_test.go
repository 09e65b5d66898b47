package bolt

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"go.etcd.io/bbolt"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/storagetest"
)

func open(t *testing.T, dir string) storage.Store {
	t.Helper()
	s, err := Open(filepath.Join(dir, "pds.bolt"))
	if err != nil {
		t.Fatal(err)
	}
	s.db.NoSync = true // no test cuts the power
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, t.TempDir()) })
}

func TestReopen(t *testing.T) { storagetest.RunReopen(t, open) }

// TestLongSubject: a subject may be longer than a key of bbolt.
func TestLongSubject(t *testing.T) {
	s, subject := open(t, t.TempDir()), strings.Repeat("x", 2*bbolt.MaxKeySize)
	c := cid.MustParse("bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua")
	_, err := s.Commit(t.Context(), storage.Commit{
		Head:   storage.Head{DID: "did:web:a.example", Commit: c, Data: c, Rev: "3jzfcijpj2z2a"},
		Writes: []storage.RecordWrite{{Path: "a.b.c/d", CID: c, Subject: subject}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range s.Records(t.Context(), "did:web:a.example", storage.RecordRange{Collection: "a.b.c", Subject: subject}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d records have the subject, want 1", n)
	}
}

func TestCrash(t *testing.T) {
	storagetest.Crash(t, func(dir string) (storage.Store, error) { return Open(filepath.Join(dir, "pds.bolt")) })
}
