package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cli runs the program to its end, and returns what it prints.
func cli(t *testing.T, data string, args ...string) (string, error) {
	t.Helper()
	out, err := command(t.Context(), args, []string{"PDS_DATA_DIRECTORY=" + data}).CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, data string, args ...string) string {
	t.Helper()
	out, err := cli(t, data, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return out
}

// TestBackup backs up a server while it runs, loses it, and goes on with a restored one.
func TestBackup(t *testing.T) {
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	p := launch(t, data)
	alice, err := signUp(t.Context(), p.url, "alice")
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		in := map[string]any{
			"repo": alice.did, "collection": "com.example.note", "rkey": text, "record": map[string]any{"text": text},
		}
		if err := alice.post(t.Context(), "com.atproto.repo.putRecord", in, nil); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	upload := filepath.Join(data, "blobs", ".incoming", "upload") // one that isn't complete yet
	if err := os.WriteFile(upload, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, data, "backup", dir)
	if _, err := os.Stat(upload); err != nil {
		t.Errorf("the backup has disturbed an upload: %v", err)
	}
	write("second")
	if out := mustRun(t, data, "backup", dir); !strings.Contains(out, "1 events, 0 whole repos") {
		t.Errorf("backing up one commit prints\n%s", out)
	}
	if out := mustRun(t, data, "backup", "-check", dir); !strings.Contains(out, "1 accounts, 2 records") {
		t.Errorf("checking prints\n%s", out)
	}
	p.kill()

	fresh := t.TempDir()
	if out, err := cli(t, fresh, "restore", dir); err == nil || !strings.Contains(out, "key-secret") {
		t.Errorf("restoring without the secret: %v\n%s", err, out)
	}
	secret, err := os.ReadFile(filepath.Join(data, "key-secret"))
	if err != nil {
		t.Fatal(err)
	}
	wantNoSecrets(t, dir, strings.TrimSpace(string(secret)), "alice-password")
	if err := os.WriteFile(filepath.Join(fresh, "key-secret"), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, fresh, "restore", dir); !strings.Contains(out, "1 accounts") {
		t.Errorf("restoring prints\n%s", out)
	}

	p = launch(t, fresh)
	if alice, err = logIn(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	write("third")
	var list struct{ Records []any }
	if err := alice.get(t.Context(), "com.atproto.repo.listRecords?collection=com.example.note&repo="+alice.did, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Records) != 3 {
		t.Errorf("%d records after restoring and writing another", len(list.Records))
	}
	if out, err := cli(t, fresh, "restore", dir); err == nil || !strings.Contains(out, "open already") {
		t.Errorf("restoring into a running server: %v\n%s", err, out)
	}
	p.terminate(t)
	if out, err := cli(t, fresh, "restore", dir); err == nil || !strings.Contains(out, "isn't empty") {
		t.Errorf("restoring over newer data: %v\n%s", err, out)
	}
}

// TestBackupFrom backs up a server elsewhere, of which it knows no more than its URL.
func TestBackupFrom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "backup")
	p := launch(t, t.TempDir())
	for i, name := range []string{"alice", "bob"} {
		if _, err := signUp(t.Context(), p.url, name); err != nil {
			t.Fatal(err)
		}
		if out := mustRun(t, t.TempDir(), "backup", "-from", p.url, dir); !strings.Contains(out, "1 whole repos") {
			t.Errorf("backing up over the network prints\n%s", out)
		}
		if out := mustRun(t, t.TempDir(), "backup", "-check", dir); !strings.Contains(out, fmt.Sprint(i+1, " accounts")) {
			t.Errorf("checking prints\n%s", out)
		}
	}
	fresh := t.TempDir()
	if out := mustRun(t, fresh, "restore", dir); !strings.Contains(out, "2 accounts have no signing key") {
		t.Errorf("restoring prints\n%s", out)
	}
	p.terminate(t)
}

// TestBackupFollows keeps a backup current until it is interrupted.
func TestBackupFollows(t *testing.T) {
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	server := launch(t, data)
	if _, err := signUp(t.Context(), server.url, "alice"); err != nil {
		t.Fatal(err)
	}
	p := &process{ended: make(chan struct{})}
	p.cmd = command(t.Context(), []string{"backup", "-follow", dir}, []string{"PDS_DATA_DIRECTORY=" + data})
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	p.await(t, &p.stderr, regexp.MustCompile(`at event \d+; this time \d+ events, 1 whole repos`))
	bob, err := signUp(t.Context(), server.url, "bob")
	if err != nil {
		t.Fatal(err)
	}
	p.await(t, &p.stderr, regexp.MustCompile(`, 2 whole repos`))
	p.terminate(t)
	if _, err := os.Stat(filepath.Join(dir, "accounts", bob.did+".json")); err != nil {
		t.Error(err)
	}
	if out := mustRun(t, data, "backup", "-check", dir); !strings.Contains(out, "2 accounts") {
		t.Errorf("checking prints\n%s", out)
	}
	server.terminate(t)
}

// wantNoSecrets fails the test if a secret is in a file under dir, or a file is anybody else's to read.
func wantNoSecrets(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", path, info.Mode(), err)
		}
		content, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s has a secret in the clear", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBackupHelp(t *testing.T) {
	for _, name := range []string{"backup", "restore"} {
		out := mustRun(t, t.TempDir(), name, "-h")
		if !strings.Contains(out, "standalone "+name) || !strings.Contains(out, "PDS_KEY_SECRET") {
			t.Errorf("%s -h prints\n%s", name, out)
		}
		if out, err := cli(t, t.TempDir(), name); err == nil || !strings.Contains(out, "see -h") {
			t.Errorf("%s without a folder: %v\n%s", name, err, out)
		}
	}
	if out, err := cli(t, t.TempDir(), "backup", t.TempDir()); err == nil || !strings.Contains(out, "no such file") {
		t.Errorf("backup of nothing: %v\n%s", err, out)
	}
}
