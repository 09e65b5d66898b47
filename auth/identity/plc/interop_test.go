package plc

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestInterop replays the audit logs of the did:plc project, which aren't part of this module: PLC_INTEROP_TESTS names
// the directory interop_tests of a checkout of https://github.com/did-method-plc/did-method-plc.
func TestInterop(t *testing.T) {
	dir := os.Getenv("PLC_INTEROP_TESTS")
	if dir == "" {
		t.Skip("PLC_INTEROP_TESTS isn't set")
	}
	read := func(path string) []Entry {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var log []Entry
		if err := json.Unmarshal(raw, &log); err != nil {
			t.Fatal(path, err)
		}
		return log
	}
	files := func(kind string) []string {
		paths, err := filepath.Glob(filepath.Join(dir, "audit_log", kind, "*.json"))
		if err != nil || len(paths) < 10 {
			t.Fatalf("%d %s logs, %v", len(paths), kind, err)
		}
		return paths
	}
	for _, path := range files("valid") {
		log := read(path)
		if err := verify(log[0].DID, log); err != nil {
			t.Error(path, err)
		}
	}
	want := map[string]error{
		"log_invalid_nullification_reused_key.json": errSignature,
		"log_invalid_nullification_too_slow.json":   errLateRecovery,
		"log_invalid_sig_b64_newline.json":          errSignature,
		"log_invalid_sig_b64_padding_bits.json":     errSignature,
		"log_invalid_sig_b64_padding_chars.json":    errSignature,
		"log_invalid_sig_der.json":                  errSignature,
		"log_invalid_sig_k256_high_s.json":          errSignature,
		"log_invalid_sig_p256_high_s.json":          errSignature,
		"log_invalid_update_nullified.json":         errOrder,
		"log_invalid_update_tombstoned.json":        errOrder,
	}
	for _, path := range files("invalid") {
		log := read(path)
		err := verify(log[0].DID, log)
		if reason, ok := want[filepath.Base(path)]; !ok || !errors.Is(err, reason) {
			t.Errorf("%s: %v, want %v", path, err, reason)
		}
	}
}
