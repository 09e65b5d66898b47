package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRaiseSeq brings an older copy of the data back.
func TestRaiseSeq(t *testing.T) {
	data := t.TempDir()
	p := launch(t, data)
	alice, err := signUp(t.Context(), p.url, "alice")
	if err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"raise-seq"}, {"raise-seq", "-5"}, {"raise-seq", "many"}, {"raise-seq", "9007199254740992"}} {
		if out, err := cli(t, old, args...); err == nil {
			t.Errorf("%q prints\n%s", args, out)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "mistyped")
	if out, err := cli(t, nowhere, "raise-seq", "5000"); err == nil {
		t.Errorf("without a server it prints\n%s", out)
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("it has made one")
	}
	if out := mustRun(t, old, "raise-seq", "5000"); !strings.Contains(out, "above 5000") {
		t.Errorf("it prints\n%s", out)
	}
	p = launch(t, old)
	alice.url = p.url
	post := map[string]any{"repo": alice.did, "collection": "com.example.note", "record": map[string]any{"text": "hello"}}
	if err := alice.post(t.Context(), "com.atproto.repo.createRecord", post, nil); err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	if out := mustRun(t, old, "backup", filepath.Join(t.TempDir(), "backup")); !strings.Contains(out, "5002") {
		t.Errorf("a backup of it prints\n%s", out) // of the #sync, and the commit
	}
}
