package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretLost: a server doesn't start with another secret than that which the accounts' keys are sealed under, whatever
// other secrets the operator has given, and makes no new one.
func TestSecretLost(t *testing.T) {
	data := t.TempDir()
	given := []string{
		"PDS_JWT_SECRET=" + strings.Repeat("j", 32), "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=" + strings.Repeat("0f", 32),
		"PDS_DATA_DIRECTORY=" + data, "PDS_PORT=0",
	}
	p := launch(t, data, given...)
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	path := filepath.Join(data, "key-secret")
	if err := os.Rename(path, path+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for want, env := range map[string][]string{
		"set PDS_KEY_SECRET": given,
		"don't open":         append(given, "PDS_KEY_SECRET="+strings.Repeat("k", 32)),
	} {
		if out, err := command(ctx, nil, env).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, and it prints\n%s", err, out)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it has made a new one")
	}
	if err := os.Rename(path+".elsewhere", path); err != nil {
		t.Fatal(err)
	}
	launch(t, data, given...).terminate(t)
}
