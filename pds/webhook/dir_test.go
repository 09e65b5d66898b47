package webhook

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	position := func(endpoint string, want int64, wantOK bool) {
		t.Helper()
		if seq, ok, err := NewDir(path).Position(t.Context(), endpoint); seq != want || ok != wantOK || err != nil {
			t.Errorf("%s: got %d, %t, %v", endpoint, seq, ok, err)
		}
	}
	position("a", 0, false)
	for _, seq := range []int64{0, 1234, 5} {
		check(t, NewDir(path).SetPosition(t.Context(), "a", seq))
		position("a", seq, true)
	}
	position("b", 0, false)

	// What a crash may leave beside it, or a hand, isn't taken for a position.
	check(t, os.WriteFile(filepath.Join(path, "b.position.new"), []byte("12"), 0o600))
	position("b", 0, false)
	check(t, NewDir(path).SetPosition(t.Context(), "b", 3))
	position("b", 3, true)
	for _, content := range []string{"", "12", "-1\n", "x\n", "1\n2\n"} {
		check(t, os.WriteFile(filepath.Join(path, "c.position"), []byte(content), 0o600))
		if seq, ok, err := NewDir(path).Position(t.Context(), "c"); err == nil {
			t.Errorf("%q is taken for %d, %t", content, seq, ok)
		}
	}
	check(t, os.Mkdir(filepath.Join(path, "d.position"), 0o700))
	if err := NewDir(path).SetPosition(t.Context(), "d", 1); err == nil {
		t.Error("it is kept in a folder")
	}
}
