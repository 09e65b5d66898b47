package interop

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestInterop runs each *.test.mjs, all of them against one server.
func TestInterop(t *testing.T) {
	needNode(t)
	lookAtSources(t)
	dir := packages(t)
	s := start(t, build(t), "PDS_PROXY_HEADERS_TIMEOUT=2000")

	tests, err := fs.Glob(scripts, "*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("tests: %q, %v", tests, err)
	}
	for _, name := range tests {
		t.Run(strings.TrimSuffix(name, ".test.mjs"), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", name)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(),
				"INTEROP_PDS_URL="+s.pds, "INTEROP_PLC_URL="+s.plc, "INTEROP_JWT_SECRET="+s.jwtSecret)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// needNode skips the test unless there are Node.js 22 and npm.
func needNode(t *testing.T) {
	t.Helper()
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		missing(t, "needs Node.js 22: %v", err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 22 {
		missing(t, "needs Node.js 22, and this is %s", version)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		missing(t, "needs npm: %v", err)
	}
}

// missing skips a test for want of something outside of the module. Where CI is set that is a failure.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// lookAtSources looks at every file of the module. The server is built by another process, of which go test doesn't know
// what it reads; so it would take an old result for a current one.
func lookAtSources(t *testing.T) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
