package interop

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed *.mjs
var scripts embed.FS

//go:embed package.json package-lock.json
var manifest embed.FS

// packages returns a folder that holds the scripts, and in which they find the packages that they import. Those are
// installed once, into the user's cache folder.
func packages(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := manifest.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(data)
	}
	installed := filepath.Join(cache, "pdskit-interop", hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(installed); errors.Is(err, fs.ErrNotExist) {
		install(t, installed)
	} else if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(installed, "run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.CopyFS(dir, scripts); err != nil {
		t.Fatal(err)
	}
	return dir
}

// install makes the folder dir, complete or not at all, with the packages in it. Without a network it can't.
func install(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "install-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, manifest); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = temp
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "needs packages: npm ci: %v\n%s", err, out)
	}
	// Another process may have been quicker.
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}
