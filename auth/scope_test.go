package auth

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	indigoauth "github.com/bluesky-social/indigo/atproto/auth"
)

// vectors reads the lines of a file of upstream's test data.
func vectors(t *testing.T, name string) (lines []string) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bluesky-social/indigo").Output()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "atproto/auth/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 10 {
		t.Fatalf("%s has %d lines", name, len(lines))
	}
	return lines
}

func TestParseGrantVectors(t *testing.T) {
	for _, raw := range vectors(t, "permission_scopes_valid.txt") {
		if _, err := parseGrant(raw); err != nil {
			t.Errorf("%q is refused", raw)
		}
	}
	for _, raw := range vectors(t, "permission_scopes_invalid.txt") {
		if g, err := parseGrant(raw); err == nil {
			t.Errorf("%q is taken for %v", raw, g)
		}
	}
}

// What upstream's parser refuses, ours never takes for a permission.
func FuzzParseGrant(f *testing.F) {
	for _, raw := range []string{"repo:com.example.a?action=create", "rpc?lxm=*&aud=did:web:a.example%23x", "blob:image/*",
		"account:email?action=manage", "identity:*?", "include:com.example.a?aud=did:web:a.example#b", "repo?collection=*", "repo:%2a"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		g, err := parseGrant(raw)
		if err != nil {
			return
		}
		// Upstream doesn't decode the part behind the colon, as the specification has it, and takes an empty one for none.
		if _, err := indigoauth.ParsePermissionString(raw); err != nil && !strings.Contains(raw, "%") {
			t.Errorf("%q is taken for %v, upstream says %v", raw, g, err)
		}
	})
}

var (
	readEmail      = AccountPermission("email", "read")
	manageEmail    = AccountPermission("email", "manage")
	manageRepo     = AccountPermission("repo", "manage")
	manageHandle   = IdentityPermission("handle")
	manageIdentity = IdentityPermission("*")
)

func TestScope(t *testing.T) {
	const note = "com.example.note"
	send := CallPermission("com.example.send", "did:web:a.example#x")
	chat := CallPermission("chat.bsky.convo.sendMessage", "did:web:a.example#x")
	everything := CallPermission("*", "did:web:a.example#x")
	for _, test := range []struct {
		scope   string
		allowed []Permission
		refused []Permission
	}{
		{"", nil, []Permission{RepoPermission(note, "create"), send, BlobPermission("image/png"), readEmail, manageHandle}},
		{"repo:com.example.note", []Permission{RepoPermission(note, "create"), RepoPermission(note, "update"), RepoPermission(note, "delete")},
			[]Permission{RepoPermission("com.example.note2", "create"), BlobPermission("image/png"), manageRepo, send}},
		{"repo:*?action=delete", []Permission{RepoPermission(note, "delete")}, []Permission{RepoPermission(note, "create")}},
		{"repo:com.example.note?action=delete&unknown=x", nil, []Permission{RepoPermission(note, "delete")}},
		{"rpc:com.example.send?aud=*", []Permission{send}, []Permission{everything, chat}},
		{"rpc:com.example.send?aud=did:web:a.example%23x", []Permission{send},
			[]Permission{CallPermission("com.example.send", "did:web:a.example"), CallPermission("com.example.send", "did:web:b.example#x")}},
		{"rpc:*?aud=did:web:a.example#x", []Permission{send, chat, everything}, []Permission{CallPermission("com.example.send", "did:web:b.example#x")}},
		{"rpc:*?aud=*", nil, []Permission{send}},
		{"blob:image/*", []Permission{BlobPermission("image/png"), BlobPermission("IMAGE/PNG; q=1")},
			[]Permission{BlobPermission("video/mp4"), BlobPermission("imagex/png"), BlobPermission("")}},
		{"blob?accept=text/html&accept=video/*", []Permission{BlobPermission("text/html"), BlobPermission("video/mp4")}, []Permission{BlobPermission("text/plain")}},
		{"account:email", []Permission{readEmail}, []Permission{manageEmail}},
		{"account:email?action=manage", []Permission{readEmail, manageEmail}, []Permission{manageRepo}},
		{"account:email?action=read&action=manage", nil, []Permission{readEmail, manageEmail}},
		{"rpc:com.example.send?aud=did:web:a.example%23x&aud=*", nil, []Permission{send}},
		{"account:repo?action=manage", []Permission{manageRepo}, []Permission{readEmail}},
		{"identity:handle", []Permission{manageHandle}, []Permission{manageIdentity}},
		{"identity:*", []Permission{manageHandle, manageIdentity}, nil},
		{"include:com.example.full?aud=did:web:a.example#x", nil, []Permission{send, RepoPermission(note, "create")}},
		{"transition:generic", []Permission{RepoPermission(note, "create"), BlobPermission("a/b"), send, everything},
			[]Permission{chat, CallPermission("CHAT.bsky.convo.getLog", "did:web:a.example#x"), readEmail, manageRepo, manageHandle}},
		{"transition:chat.bsky", []Permission{chat}, []Permission{send, everything}},
		{"transition:email", []Permission{readEmail}, []Permission{manageEmail}},
		{"transition:unknown transition: repo", nil, []Permission{RepoPermission(note, "create")}},
	} {
		s := Scope("atproto " + test.scope)
		for _, p := range test.allowed {
			if !s.Allows(p) {
				t.Errorf("%q refuses %s", test.scope, p)
			}
		}
		for _, p := range test.refused {
			if s.Allows(p) {
				t.Errorf("%q allows %s", test.scope, p)
			}
		}
	}
	if Scope("repo:* transition:generic atprotox").Allows(RepoPermission(note, "create")) {
		t.Error(`a scope needs no "atproto"`)
	}
}

// What a missing permission is called would allow it.
func TestPermissionString(t *testing.T) {
	for _, p := range []Permission{RepoPermission("com.example.note", "update"), CallPermission("com.example.send", "did:web:a.example#x"),
		BlobPermission("image/png"), readEmail, manageEmail, manageRepo, manageHandle, manageIdentity} {
		if !Scope("atproto " + p.String()).Allows(p) {
			t.Errorf("%s doesn't allow itself", p)
		}
	}
}

func TestCallerMay(t *testing.T) {
	need := RepoPermission("com.example.note", "create")
	for _, kind := range []Kind{KindSession, KindAppPassword, KindPrivilegedAppPassword, KindAdmin, KindService} {
		if err := (Caller{Kind: kind, Scope: "com.atproto.access"}).May(need); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	err := Caller{Kind: KindOAuth, Scope: "atproto repo:com.example.other"}.May(need)
	if !errors.Is(err, ErrScopeMissing) || !strings.Contains(err.Error(), `"repo:com.example.note?action=create"`) {
		t.Errorf("got %v", err)
	}
	if err := (Caller{Kind: KindOAuth, Scope: "repo:com.example.note"}).May(need); !errors.Is(err, ErrScopeMissing) {
		t.Errorf("without atproto: %v", err)
	}
}

func TestPolicyOrApp(t *testing.T) {
	app := Caller{DID: alice, Kind: KindOAuth, Scope: "atproto identity:handle"}
	check := func(p Policy, c Caller, authErr, want error) {
		t.Helper()
		if err := p.Check(context.Background(), c, authErr); !errors.Is(err, want) {
			t.Errorf("%s, %s: got %v, want %v", p, c.Kind, err, want)
		}
	}
	check(Session, app, nil, ErrForbidden)
	check(Session.OrApp(), app, nil, nil)
	check(Session.OrApp(), Caller{Kind: KindOAuth, Scope: "identity:handle"}, nil, ErrScopeMissing)
	check(Session.OrApp(), Caller{}, nil, ErrAuthMissing)
	check(Session.OrApp(), app, ErrExpiredToken, ErrExpiredToken)
	check(FullSession.OrApp(manageHandle), app, nil, nil)
	check(FullSession.OrApp(manageHandle), Caller{Kind: KindAppPassword}, nil, ErrInvalidToken)
	check(Session.OrApp(manageHandle, manageEmail), app, nil, ErrScopeMissing)
	expired := AuthenticatorFunc(func(*http.Request, Credentials) (Caller, error) {
		return Caller{DID: alice, Kind: KindRefresh}, ErrExpiredToken
	})
	if c, _, err := Public.OrApp().Admit(httptest.NewRequest("GET", "/", nil), expired, nil); err != nil || c != (Caller{}) {
		t.Errorf("Public: got %v, %v, want an anonymous caller", c, err)
	}
	if got := (Policy{}).OrApp(); got.Name() != "" {
		t.Errorf("the zero Policy has become %s", got)
	}
}
