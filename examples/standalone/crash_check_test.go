//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// examine opens what a killed program has left, in its place.
func (k *killing) examine(t *testing.T) {
	k.examineFiles(t)
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(k.data, "pds.sqlite"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	blobs, err := disk.Open(filepath.Join(k.data, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if k.round++; k.round%5 == 0 { // it takes as long as all the rest
		if err := storagetest.Check(ctx, store); err != nil {
			t.Error(err)
		}
	}
	if err := k.check.follow(ctx, store); err != nil {
		t.Error(err)
	}
	for _, w := range k.writers {
		if err := k.examineWriter(ctx, w, store, blobs); err != nil {
			t.Error(err)
		}
	}
	for _, name := range k.names {
		if _, err := store.AccountByHandle(ctx, syntax.Handle(name+".test")); err != nil {
			t.Errorf("the account of %s: %v", name, err)
		}
	}
	k.verify(t, store)
}

// examineFiles looks for files that are half written, or not expected.
func (k *killing) examineFiles(t *testing.T) {
	expected := []string{"blobs", "key-secret", "pds.sqlite", "pds.sqlite-lock", "pds.sqlite-lock-journal", "pds.sqlite-shm", "pds.sqlite-wal", "plc.jsonl"}
	entries, err := os.ReadDir(k.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(expected, e.Name()) {
			t.Errorf("there is a file %s", e.Name())
		}
	}
	blobs := os.DirFS(filepath.Join(k.data, "blobs"))
	err = fs.WalkDir(blobs, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, ".incoming/") {
			return err
		}
		content, err := fs.ReadFile(blobs, path)
		if err != nil {
			return err
		}
		if c, err := sum(content); err != nil || c != d.Name() {
			t.Errorf("blob %s has the content of %s (%v)", path, c, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// sum returns the CID that a blob is named by.
func sum(b []byte) (string, error) {
	hash, err := multihash.Sum(b, multihash.SHA2_256, -1)
	return cid.NewCidV1(cid.Raw, hash).String(), err
}

// examineWriter holds a collection against what its writer knows of it.
func (k *killing) examineWriter(ctx context.Context, w *writer, store *sqlite.Store, blobs *disk.Blobs) error {
	did := syntax.DID(w.did)
	stored := map[string]version{}
	refs := map[string]cid.Cid{}
	for r, err := range store.Records(ctx, did, storage.RecordRange{Collection: syntax.NSID(w.collection)}) {
		if err != nil {
			return err
		}
		value, err := atdata.UnmarshalCBOR(r.Bytes)
		if err != nil {
			return fmt.Errorf("record %s of %s: %w", r.Path, did, err)
		}
		_, key, _ := strings.Cut(r.Path, "/")
		text, _ := value["text"].(string)
		stored[key] = version{Text: text, CID: r.CID.String()}
		for _, b := range atdata.ExtractBlobs(value) {
			refs[key] = b.Ref.CID()
		}
	}
	asked := w.pending != nil
	happened, err := w.settle(stored)
	switch {
	case err != nil:
		return err
	case happened:
		k.happened++
	case asked:
		k.lost++
	}
	for key, v := range w.known {
		if v.blob == nil {
			continue
		}
		r, err := blobs.Open(ctx, storage.BlobID{DID: did, CID: refs[key]})
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		if !bytes.Equal(content, v.blob) {
			return fmt.Errorf("blob %s of %s isn't what was uploaded", refs[key], did)
		}
	}
	return nil
}

// verify reads every repo whole, against the key that the PLC directory names.
func (k *killing) verify(t *testing.T, store *sqlite.Store) {
	ctx := t.Context()
	journal, err := plc.OpenFile(filepath.Join(k.data, "plc.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	directory, err := plc.NewDirectory(plc.DirectoryConfig{Journal: journal})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := loadSecrets(ctx, &settings{data: k.data}, store)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := repo.New(repo.Config{Store: store, Signer: secrets.keyring})
	if err != nil {
		t.Fatal(err)
	}
	for a, err := range store.ListAccounts(ctx, 0, 1<<30) {
		if err != nil {
			t.Fatal(err)
		}
		res := httptest.NewRecorder()
		directory.ServeHTTP(res, httptest.NewRequest("GET", "/"+a.DID.String()+"/data", nil))
		var data plc.Data
		if err := json.Unmarshal(res.Body.Bytes(), &data); err != nil {
			t.Fatalf("%v in %s", err, res.Body)
		}
		key, err := atcrypto.ParsePublicDIDKey(data.VerificationMethods["atproto"])
		if err != nil {
			t.Errorf("the key of %s: %v", a.Handle, err)
			continue
		}
		if err := engine.Verify(ctx, a.DID, key); err != nil {
			t.Errorf("%s: %v", a.Handle, err)
		}
	}
}

// logCheck follows the event log, from one kill to the next.
type logCheck struct {
	last  int64
	heads map[string]link // by DID: what the log says that the head is
}

type link struct {
	commit    cid.Cid
	rev, data string
}

// follow checks what is new in the log: numbers rise; each commit of a repo joins on to the one before, and can be
// inverted; and the last one is the head.
func (l *logCheck) follow(ctx context.Context, store *sqlite.Store) error {
	for e, err := range store.ListEvents(ctx, storage.EventRange{After: l.last}) {
		if err != nil {
			return err
		}
		if e.Seq <= l.last {
			return fmt.Errorf("event %d comes after %d", e.Seq, l.last)
		}
		l.last = e.Seq
		switch e.Kind {
		case storage.EventCommit:
			err = l.commit(ctx, e)
		case storage.EventSync:
			err = l.sync(ctx, e)
		}
		if err != nil {
			return fmt.Errorf("event %d, %s of %s: %w", e.Seq, e.Kind, e.DID, err)
		}
	}
	for did, link := range l.heads {
		head, err := store.Head(ctx, syntax.DID(did))
		if err != nil {
			return fmt.Errorf("head of %s: %w", did, err)
		}
		if head.Commit != link.commit || head.Rev.String() != link.rev {
			return fmt.Errorf("the head of %s is %s %s, its last event says %s %s",
				did, head.Rev, head.Commit, link.rev, link.commit)
		}
	}
	return nil
}

func (l *logCheck) commit(ctx context.Context, e storage.Event) error {
	var msg comatproto.SyncSubscribeRepos_Commit
	if err := msg.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
		return err
	}
	before, known := l.heads[msg.Repo]
	switch {
	case known != (msg.Since != nil) || known != (msg.PrevData != nil):
		return fmt.Errorf("since is %v, and there is a commit before: %t", msg.Since, known)
	case known && (*msg.Since != before.rev || msg.PrevData.String() != before.data):
		return fmt.Errorf("since is %s, prevData %s; the commit before is %+v", *msg.Since, msg.PrevData, before)
	}
	if _, err := indigo.VerifyCommitMessage(ctx, &msg); err != nil {
		return err
	}
	return l.moved(ctx, msg.Repo, msg.Rev, cid.Cid(msg.Commit), msg.Blocks)
}

func (l *logCheck) sync(ctx context.Context, e storage.Event) error {
	var msg comatproto.SyncSubscribeRepos_Sync
	if err := msg.UnmarshalCBOR(bytes.NewReader(e.Body)); err != nil {
		return err
	}
	return l.moved(ctx, msg.Did, msg.Rev, l.heads[msg.Did].commit, msg.Blocks)
}

// moved notes a repo's new head, whose block is the root of a CAR.
func (l *logCheck) moved(ctx context.Context, did, rev string, want cid.Cid, car []byte) error {
	c, root, err := indigo.LoadCommitFromCAR(ctx, bytes.NewReader(car))
	if err != nil {
		return err
	}
	if *root != want || c.Rev != rev || c.DID != did {
		return fmt.Errorf("its commit is %s of %s and %s, want %s of %s and %s", root, c.DID, c.Rev, want, did, rev)
	}
	l.heads[did] = link{commit: *root, rev: rev, data: c.Data.String()}
	return nil
}
