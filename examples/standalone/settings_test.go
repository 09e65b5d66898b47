package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// environ makes an environment of names and values.
func environ(pairs ...string) environment {
	e := environment{}
	for i := 0; i < len(pairs); i += 2 {
		e[pairs[i]] = &variable{value: pairs[i+1]}
	}
	return e
}

func TestDefaults(t *testing.T) {
	got, unused, err := parse(nil, environment{}, io.Discard)
	if err != nil || len(unused) > 0 {
		t.Fatal(unused, err)
	}
	want := &settings{
		hostname: "localhost", port: 2583, data: "pds-data", blobs: "pds-data/blobs", handleDomains: []string{".test"},
		devMode: true, imports: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if url := got.publicURL(); url != "http://localhost:2583" {
		t.Errorf("the URL is %s", url)
	}
}

// With a public name the program is a production server, without one more word, and closed to strangers without one.
func TestProduction(t *testing.T) {
	got, _, err := parse(nil, environ("PDS_HOSTNAME", "pds.example.com"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got.devMode || got.local() || got.plcURL != "https://plc.directory" || got.publicURL() != "https://pds.example.com" ||
		got.handleDomains != nil || !got.invite {
		t.Errorf("got %+v", got)
	}
	open, _, err := parse([]string{"-hostname", "pds.example.com"}, environ("PDS_INVITE_REQUIRED", "false"), io.Discard)
	if err != nil || open.invite {
		t.Errorf("told to be open it is %+v, %v", open, err)
	}
}

// TestEnvironment sets each variable alone.
func TestEnvironment(t *testing.T) {
	for _, test := range []struct {
		name, value string
		set         func(*settings)
	}{
		{"PDS_HOSTNAME", "localhost", func(s *settings) { s.hostname = "localhost" }},
		{"PDS_PORT", "3000", func(s *settings) { s.port = 3000 }},
		{"PDS_PLC_PORT", "3001", func(s *settings) { s.plcPort = 3001 }},
		{"PDS_DATA_DIRECTORY", "/pds", func(s *settings) { s.data, s.blobs = "/pds", "/pds/blobs" }},
		{"PDS_BLOBSTORE_DISK_LOCATION", "/pds/b", func(s *settings) { s.blobs = "/pds/b" }},
		{"PDS_SERVICE_DID", "did:web:x.example", func(s *settings) { s.serviceDID = "did:web:x.example" }},
		{"PDS_LEXICON_AUTHORITY_DID", "did:web:x.example", func(s *settings) { s.lexiconDID = "did:web:x.example" }},
		{"PDS_SERVICE_HANDLE_DOMAINS", ".a.test, .b.test", func(s *settings) { s.handleDomains = []string{".a.test", ".b.test"} }},
		{"PDS_DID_PLC_URL", "http://plc", func(s *settings) { s.plcURL = "http://plc" }},
		{"PDS_ADMIN_PASSWORD", "x", func(s *settings) { s.adminPassword = "x" }},
		{"PDS_JWT_SECRET", "x", func(s *settings) { s.jwtSecret = "x" }},
		{"PDS_KEY_SECRET", "x", func(s *settings) { s.keySecret = "x" }},
		{"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", "00", func(s *settings) { s.rotationKey = "00" }},
		{"PDS_RECOVERY_DID_KEY", "did:key:x", func(s *settings) { s.recoveryKey = "did:key:x" }},
		{"PDS_INVITE_REQUIRED", "true", func(s *settings) { s.invite, s.inviteGiven = true, true }},
		{"PDS_BLOB_UPLOAD_LIMIT", "104857600", func(s *settings) { s.blobLimit = 100 << 20 }},
		{"PDS_ACCEPTING_REPO_IMPORTS", "0", func(s *settings) { s.imports = false }},
		{"PDS_MAX_REPO_IMPORT_SIZE", "1000", func(s *settings) { s.importLimit = 1000 }},
		{"PDS_REPO_BACKFILL_LIMIT_MS", "1500", func(s *settings) { s.keepEvents = 1500 * time.Millisecond }},
		{"PDS_MAX_SUBSCRIPTION_BUFFER", "500", func(s *settings) { s.streamBuffer = 500 }},
		{"PDS_PRIVACY_POLICY_URL", "https://p", func(s *settings) { s.privacyURL = "https://p" }},
		{"PDS_TERMS_OF_SERVICE_URL", "https://t", func(s *settings) { s.termsURL = "https://t" }},
		{"PDS_CONTACT_EMAIL_ADDRESS", "a@b.example", func(s *settings) { s.contact = "a@b.example" }},
		{"PDS_BSKY_APP_VIEW_CDN_URL_PATTERN", "https://c", func(s *settings) { s.services.ImageURL = "https://c" }},
		{"PDS_BSKY_APP_VIEW_DID", "did:web:x.example", func(s *settings) {}}, // nothing without a URL
		{"PDS_MOD_SERVICE_DID", "did:web:x.example", func(s *settings) {}},
		{"PDS_REPORT_SERVICE_DID", "did:web:x.example", func(s *settings) {}},
		{"PDS_PROXY_HEADERS_TIMEOUT", "1500", func(s *settings) { s.services.HeaderTimeout = 1500 * time.Millisecond }},
		{"PDS_PROXY_BODY_TIMEOUT", "1500", func(s *settings) { s.services.IdleTimeout = 1500 * time.Millisecond }},
		{"PDS_DEV_MODE", "1", func(s *settings) { s.devMode = true }},
		{"PDS_DISABLE_SSRF_PROTECTION", "true", func(s *settings) { s.unguarded = true }},
		{"PDS_VERSION", "1.2", func(s *settings) { s.version = "1.2" }},
		{"LOG_ENABLED", "false", func(s *settings) { s.logLevel = slog.LevelError + 1 }},
		{"LOG_LEVEL", "debug", func(s *settings) { s.logLevel = slog.LevelDebug }},
		{"LOG_LEVEL", "trace", func(s *settings) { s.logLevel = slog.LevelDebug }},
		{"LOG_LEVEL", "fatal", func(s *settings) { s.logLevel = slog.LevelError }},
	} {
		t.Run(test.name, func(t *testing.T) {
			want, _, err := parse(nil, environment{}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			test.set(want)
			got, unused, err := parse(nil, environ(test.name, test.value), io.Discard)
			if err != nil || len(unused) > 0 {
				t.Fatal(unused, err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An operator's file may set variables to nothing: that is as if they weren't set.
func TestEmptyVariables(t *testing.T) {
	want, _, err := parse(nil, environment{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	env := environment{}
	for _, name := range documented(t) {
		env[name] = &variable{}
	}
	env["PDS_UNHEARD_OF"] = &variable{}
	got, unused, err := parse(nil, env, io.Discard)
	if err != nil || len(unused) > 0 {
		t.Fatal(unused, err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Flags count more than the environment.
func TestFlags(t *testing.T) {
	env := environ("PDS_HOSTNAME", "pds.example.com", "PDS_PORT", "1", "PDS_PLC_PORT", "2", "PDS_DATA_DIRECTORY", "a")
	got, _, err := parse([]string{"-hostname", "localhost", "-port", "3", "-plc-port", "4", "-data", "b"}, env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := &settings{
		hostname: "localhost", port: 3, plcPort: 4, data: "b", blobs: "b/blobs", handleDomains: []string{".test"},
		devMode: true, imports: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var variableName = regexp.MustCompile(`\b(PDS|LOG)_[A-Z0-9_]+\b`)

// documented returns the names of the variables that -h tells of.
func documented(t *testing.T) []string {
	var out bytes.Buffer
	if _, _, err := parse([]string{"-h"}, environment{}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	return names(out.String())
}

func names(text string) []string {
	found := variableName.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// TestHelp: the help tells of every variable that is read, and of no other.
func TestHelp(t *testing.T) {
	out, err := command(t.Context(), []string{"-h"}, nil).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "-data folder") {
		t.Errorf("%v:\n%s", err, out)
	}
	var read []string
	for _, name := range []string{"settings.go", "services.go", "mail.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`env\.\w+\("(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			read = append(read, m[1])
		}
	}
	slices.Sort(read)
	if diff := cmp.Diff(slices.Compact(read), names(string(out))); diff != "" {
		t.Errorf("read (-) and documented (+):\n%s", diff)
	}
}

// TestWrong shows that the program doesn't begin with settings that are wrong, and tells of all of them.
func TestWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		env  []string
		says []string
	}{
		{"a flag that isn't one", []string{"-prot", "1"}, nil, []string{"-prot", "-port port"}},
		{"an argument", []string{"serve"}, nil, []string{`"serve"`, "-h"}},
		{"a flag's value", []string{"-port", "x"}, nil, []string{`"x"`, "-port"}},
		{
			"variables", nil,
			[]string{
				"PDS_PORT=http", "PDS_INVITE_REQUIRED=maybe", "PDS_DEV_MODE=yes", "PDS_BLOB_UPLOAD_LIMIT=-1",
				"PDS_REPO_BACKFILL_LIMIT_MS=1h", "PDS_SERVICE_HANDLE_DOMAINS=.a.test,b.test", "LOG_LEVEL=loud",
			},
			[]string{
				`PDS_PORT: "http"`, `PDS_INVITE_REQUIRED: "maybe"`, `PDS_DEV_MODE: "yes"`, `PDS_BLOB_UPLOAD_LIMIT: "-1"`,
				`PDS_REPO_BACKFILL_LIMIT_MS: "1h"`, `PDS_SERVICE_HANDLE_DOMAINS: "b.test"`, "LOG_LEVEL",
			},
		},
		{"a port out of range", nil, []string{"PDS_PORT=65536"}, []string{"65536"}},
		{"a short secret", nil, []string{"PDS_KEY_SECRET=short"}, []string{"PDS_KEY_SECRET"}},
		{"a short token secret", nil, []string{"PDS_JWT_SECRET=short"}, []string{"TokenSecret"}},
		{
			"a key that isn't hexadecimal", nil, []string{"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=secret"},
			[]string{"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"},
		},
		{
			"a key of another length", nil, []string{"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=00"},
			[]string{"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX"},
		},
		{"a DID that isn't one", nil, []string{"PDS_SERVICE_DID=example.com"}, []string{"DID"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := append([]string{"PDS_PORT=0", "PDS_DATA_DIRECTORY=" + t.TempDir()}, test.env...)
			cmd := command(t.Context(), test.args, env)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%v, want exit code 1", err)
			}
			for _, text := range test.says {
				if !strings.Contains(stderr.String(), text) {
					t.Errorf("%q isn't in\n%s", text, &stderr)
				}
			}
			if strings.Contains(stderr.String(), "=secret") || strings.Contains(stderr.String(), `"secret"`) {
				t.Errorf("a secret is printed:\n%s", &stderr)
			}
		})
	}
}

// The program says which variables it doesn't use.
func TestUnused(t *testing.T) {
	p := launch(t, t.TempDir(), "PDS_MODERATION_EMAIL_SMTP_URL=smtp://user:hunter2@localhost", "PDS_UNHEARD_OF=1", "PDS_VERSION=1", "LOG_COLOUR=1")
	p.terminate(t)
	warned := names(p.stderr.String())
	if diff := cmp.Diff([]string{"PDS_MODERATION_EMAIL_SMTP_URL", "PDS_UNHEARD_OF"}, warned); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(p.stderr.String(), "hunter2") {
		t.Errorf("a secret is printed:\n%s", &p.stderr)
	}
}
