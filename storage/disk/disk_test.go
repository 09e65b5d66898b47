package disk_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/storagetest"
)

const did syntax.DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"

// hello is the CID of "hello world".
var hello = storage.BlobID{DID: did, CID: cid.MustParse("bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e")}

func TestBlobs(t *testing.T) {
	storagetest.RunBlobs(t, func(t *testing.T) storage.Blobs {
		dir := t.TempDir()
		t.Cleanup(func() {
			if left := files(t, filepath.Join(dir, ".incoming")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
		return open(t, dir)
	})
}

func TestOpenMissingFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if _, err := disk.Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open made the folder: %v", err)
	}
	for range 2 {
		if _, err := disk.Create(dir); err != nil {
			t.Errorf("Create: %v", err)
		}
	}
}

func TestOpenFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, "not a folder")
	if _, err := disk.Open(name); err == nil {
		t.Error("Open of a file succeeded")
	}
	if _, err := disk.Create(name); err == nil {
		t.Error("Create of a file succeeded")
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir), "hello world")
	if got := read(t, open(t, dir)); got != "hello world" {
		t.Errorf("read %q after opening the folder again", got)
	}
}

// TestReferenceFolder opens a folder as the reference PDS leaves it.
func TestReferenceFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, did.String(), hello.CID.String()), "hello world")
	write(t, filepath.Join(dir, "tempt", did.String(), "mfzqk"), "temporary")
	write(t, filepath.Join(dir, "quarantine", did.String(), hello.CID.String()), "taken down")

	b := open(t, dir)
	if got := read(t, b); got != "hello world" {
		t.Errorf("read %q", got)
	}
	put(t, b, "hello world")
	want := []string{
		did.String() + "/" + hello.CID.String(),
		"quarantine/" + did.String() + "/" + hello.CID.String(),
		"tempt/" + did.String() + "/mfzqk",
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestTornFile: a program that doesn't write and rename may have left half a blob under its name.
func TestTornFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, did.String(), hello.CID.String()), "hello")
	b := open(t, dir)
	put(t, b, "hello world")
	if got := read(t, b); got != "hello world" {
		t.Errorf("read %q after the upload was repeated", got)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	b, err := disk.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "hello world")
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDeleteRemovesEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	put(t, b, "hello world")
	if err := b.Delete(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, did.String())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder of an account without blobs: %v, want %v", err, fs.ErrNotExist)
	}
}

// TestInvalidDID: no string leads out of the folder, or to the files in it that aren't blobs.
func TestInvalidDID(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "blobs")
	b, err := disk.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, did := range []syntax.DID{
		"", ".", "..", "../x", "/x", ".incoming", "tempt", "did:", "did:web:", "did:web:../x", "did:web:a/b", "did:web:a\\b/..",
		"did:web:a\x00", "did:web:a\n", "did:web:ä", "did:web:%", syntax.DID("did:web:" + strings.Repeat("a", 3000)),
	} {
		if _, _, err := b.Put(t.Context(), did, strings.NewReader("hello world")); err == nil {
			t.Errorf("Put for %q succeeded", did)
		}
		if _, err := b.Open(t.Context(), storage.BlobID{DID: did, CID: hello.CID}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("Open for %q: %v, want %v", did, err, storage.ErrNotFound)
		}
	}
	if left := files(t, parent); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func open(t testing.TB, dir string) *disk.Blobs {
	t.Helper()
	b, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, b *disk.Blobs, data string) {
	t.Helper()
	if _, _, err := b.Put(t.Context(), did, strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

// read returns the blob that is named hello.
func read(t *testing.T, b *disk.Blobs) string {
	t.Helper()
	r, err := b.Open(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return data.String()
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(data), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// files returns the paths of the files below a folder, in ascending order.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}
