package pds_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// An app writes what its scope allows, and nothing of a batch of which it allows just a part.
func TestRecordScopes(t *testing.T) {
	w := start(t, withApps)
	alice := w.signUp(t, "alice")
	const note = "com.example.note"
	call := func(scope, method string, input map[string]any) *response {
		t.Helper()
		input["repo"] = alice.did
		raw, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		return w.asApp(t, alice, "atproto "+scope, "POST", "com.atproto.repo."+method, bytes.NewReader(raw))
	}
	one := func() map[string]any {
		return map[string]any{"collection": note, "rkey": "a", "record": map[string]any{"text": "x"}}
	}
	batch := func() map[string]any {
		return map[string]any{"writes": []any{
			map[string]any{"$type": "com.atproto.repo.applyWrites#create", "collection": note, "value": map[string]any{}},
			map[string]any{"$type": "com.atproto.repo.applyWrites#delete", "collection": note, "rkey": "a"},
		}}
	}
	for _, test := range []struct {
		scope, method string
		input         map[string]any
		allowed       bool
	}{
		{"", "createRecord", one(), false},
		{"repo:com.example.other", "createRecord", one(), false},
		{"repo:*?action=update&action=delete", "createRecord", one(), false},
		{"repo:com.example.note?action=create", "createRecord", one(), true},
		{"repo:com.example.note?action=create", "putRecord", one(), false},
		{"repo:com.example.note?action=update", "putRecord", one(), false},
		{"repo:com.example.note?action=create&action=update", "putRecord", one(), true},
		{"repo:*?action=create", "applyWrites", batch(), false},
		{"repo:*?action=delete", "applyWrites", batch(), false},
		{"repo:*?action=create", "deleteRecord", one(), false},
		{"repo:*?action=delete&action=create", "applyWrites", batch(), true},
		{"transition:generic", "deleteRecord", one(), true},
	} {
		res := call(test.scope, test.method, test.input)
		if test.allowed {
			res.decode(t, nil)
		} else {
			res.refused(t, 403, "ScopeMissingError", "repo:"+note)
		}
	}
	car := func() *bytes.Reader { return bytes.NewReader([]byte("x")) }
	w.asApp(t, alice, "atproto repo:*", "POST", "com.atproto.repo.importRepo", car()).refused(t, 403, "ScopeMissingError", "account:repo?action=manage")
	handle := func() *bytes.Reader { return bytes.NewReader([]byte(`{"handle":"alicia.test"}`)) }
	w.asApp(t, alice, "atproto repo:*", "POST", "com.atproto.identity.updateHandle", handle()).refused(t, 403, "ScopeMissingError", "identity:handle")
	w.asApp(t, alice, "atproto identity:handle", "POST", "com.atproto.identity.updateHandle", handle()).decode(t, nil)
	w.asApp(t, alice, "atproto transition:generic", "POST", "com.atproto.server.deactivateAccount", bytes.NewReader([]byte("{}"))).refused(t, 403, "Forbidden", "")
}

// An app gets to know whom it acts for, but the e-mail address only if its scope says so; the account stays its owner's to
// manage.
func TestAccountScopes(t *testing.T) {
	w := start(t, withApps)
	alice := w.signUp(t, "alice")
	for scope, shown := range map[string]bool{
		"atproto":                                  false,
		"atproto transition:generic":               false,
		"atproto account:repo?action=manage":       false,
		"atproto transition:email":                 true,
		"atproto account:email":                    true,
		"atproto account:email?action=manage":      true,
		"atproto transition:generic account:email": true,
	} {
		var session struct {
			DID, Handle, Email string
			EmailConfirmed     *bool
			Active             bool
		}
		w.asApp(t, alice, scope, "GET", "com.atproto.server.getSession", nil).decode(t, &session)
		if session.DID != alice.did.String() || session.Handle != "alice.test" || !session.Active {
			t.Errorf("%s: %+v", scope, session)
		}
		if told := session.Email == "alice@example.com" && session.EmailConfirmed != nil; told != shown || !shown && (session.Email != "" || session.EmailConfirmed != nil) {
			t.Errorf("%s: the address is %q, confirmed %v", scope, session.Email, session.EmailConfirmed)
		}
	}
	for _, method := range []string{"com.atproto.server.checkAccountStatus", "com.atproto.repo.listMissingBlobs"} {
		w.asApp(t, alice, "atproto", "GET", method, nil).decode(t, nil)
	}
	everything := "atproto transition:generic transition:email account:email?action=manage account:repo?action=manage identity:*"
	for _, method := range []string{"activateAccount", "deactivateAccount"} {
		w.asApp(t, alice, everything, "POST", "com.atproto.server."+method, bytes.NewReader([]byte("{}"))).refused(t, 403, "Forbidden", "")
	}
	w.setStatus(t, alice, func(a *storage.Account) { a.TakedownRef = "x" })
	w.asApp(t, alice, everything, "GET", "com.atproto.server.getSession", nil).refused(t, 401, "AccountTakedown", "")
}

// What anybody may read, an app may too; and of an account that isn't active what its owner may.
func TestAppReads(t *testing.T) {
	w := start(t, withApps)
	alice := w.signUp(t, "alice")
	blob, _ := alice.upload(t, "text/plain", []byte("some text"))
	reads := []string{
		"getBlob?cid=" + blob.Ref["$link"] + "&", "listBlobs?", "getRepo?", "getLatestCommit?", "getHead?",
	}
	for range 2 {
		for _, read := range reads {
			path := "com.atproto.sync." + read + "did=" + alice.did.String()
			if res := w.asApp(t, alice, "atproto", "GET", path, nil); res.status != 200 {
				t.Errorf("%s: got %s", path, res)
			}
		}
		w.setStatus(t, alice, func(a *storage.Account) { a.DeactivatedAt = time.Now() })
	}
}
