package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module  = "github.com/pdskit/pdskit"
	outside = "PDSKIT_OUTSIDE" // set where the tests run in a module of their own
)

// TestOutside builds and tests this program as a stranger would, in a fresh module that takes the library by a replace line.
// It fetches nothing: what the library needs is in the module cache already.
func TestOutside(t *testing.T) {
	if os.Getenv(outside) != "" {
		t.Skip("this is outside")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		copyFile(t, file, filepath.Join(dir, file), nil)
	}
	copyFile(t, filepath.Join(root, "go.sum"), filepath.Join(dir, "go.sum"), nil)
	copyFile(t, filepath.Join(root, "go.mod"), filepath.Join(dir, "go.mod"), func(mod []byte) []byte {
		mod = bytes.Replace(mod, []byte("module "+module+"\n"), []byte("module example.com/stranger\n"), 1)
		return append(mod, "\nrequire "+module+" v0.0.0\nreplace "+module+" => "+root+"\n"...)
	})
	for _, args := range [][]string{{"build", "-o", os.DevNull, "."}, {"vet", "."}, {"test", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), outside+"=1", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func copyFile(t *testing.T, from, to string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		b = change(b)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReadme: what the README shows of this program is what is here, region by region.
func TestReadme(t *testing.T) {
	if os.Getenv(outside) != "" {
		t.Skip("there is no README outside")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	regions := 0
	for _, file := range files {
		if file == "outside_test.go" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(b), "// README: ") {
			name, region, _ := strings.Cut(part, "\n")
			if i == 0 || name == "end" {
				continue
			}
			regions++
			if !strings.Contains(string(readme), "```go\n"+dedent(region)+"```") {
				t.Errorf("README.md lacks the region %s of %s:\n%s", name, file, dedent(region))
			}
		}
	}
	if regions == 0 {
		t.Error("no regions")
	}
}

// dedent takes away the indentation of the first line, and empty lines at the end.
func dedent(s string) string {
	indent := s[:len(s)-len(strings.TrimLeft(s, "\t"))]
	lines := strings.Split(strings.TrimRight(s, "\n\t"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, indent)
	}
	return strings.Join(lines, "\n") + "\n"
}
