package pds_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// admin calls a method as the operator.
func (w *world) admin(t testing.TB, verb, method, body string) *response {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte("admin:" + w.config.AdminPassword))
	return w.doAs(t, verb, "/xrpc/"+method, "Basic "+basic, "application/json", strings.NewReader(body))
}

func (w *world) takedown(t testing.TB, subject map[string]any, applied bool) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"subject": subject, "takedown": map[string]any{"applied": applied, "ref": "report 7"}})
	if err != nil {
		t.Fatal(err)
	}
	w.admin(t, "POST", "com.atproto.admin.updateSubjectStatus", string(body)).decode(t, nil)
}

type subjectStatus struct {
	Takedown, Deactivated struct {
		Applied bool
		Ref     string
	}
}

func TestTakedownOfAccounts(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	_, seq := w.since(t, 0)
	subject := map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}
	w.takedown(t, subject, true)
	kinds, seq := w.since(t, seq)
	if kinds != "#account" {
		t.Errorf("a takedown wrote %s", kinds)
	}
	w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 400, "RepoTakendown", "")
	w.post(t, alice.refresh, "com.atproto.server.refreshSession", nil).refused(t, 401, "AccountTakedown", "")
	var status subjectStatus
	w.admin(t, "GET", "com.atproto.admin.getSubjectStatus?did="+alice.did.String(), "").decode(t, &status)
	if !status.Takedown.Applied || status.Takedown.Ref != "report 7" {
		t.Errorf("the status is %+v", status)
	}
	w.takedown(t, subject, false)
	if kinds, _ = w.since(t, seq); kinds != "#account #identity #sync" {
		t.Errorf("lifting it wrote %s", kinds)
	}
	w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).decode(t, nil)
	w.post(t, alice.refresh, "com.atproto.server.refreshSession", nil).refused(t, 400, "ExpiredToken", "")
	w.login(t, alice)
}

// A takedown keeps an account as it is from being active: it isn't said to be, whatever token is left to its owner.
func TestTakenDownIsNotActivated(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	w.takedown(t, map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": alice.did}, true)
	alice.post(t, "com.atproto.server.activateAccount", nil).refused(t, 401, "AccountTakedown", "")
	if account, err := w.config.Store.Account(t.Context(), alice.did); err != nil || account.DeactivatedAt.IsZero() {
		t.Errorf("the account is %+v, %v", account, err)
	}
}

func TestTakedownOfRecordsAndBlobs(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	blob, _ := alice.upload(t, "image/png", pngBytes(t))
	alice.embed(t, "a", blob).decode(t, nil)
	alice.embed(t, "b", blob).decode(t, nil)

	record := map[string]any{"$type": "com.atproto.repo.strongRef", "uri": "at://" + alice.did.String() + "/" + posts + "/a", "cid": "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"}
	w.takedown(t, record, true)
	get := func() *response {
		return w.get(t, "", "com.atproto.repo.getRecord", "repo", "alice.test", "collection", posts, "rkey", "a")
	}
	get().refused(t, 400, "RecordNotFound", "")
	var list struct{ Records []any }
	w.get(t, "", "com.atproto.repo.listRecords", "repo", "alice.test", "collection", posts).decode(t, &list)
	if len(list.Records) != 1 {
		t.Errorf("%d records are listed", len(list.Records))
	}
	var status subjectStatus
	w.admin(t, "GET", "com.atproto.admin.getSubjectStatus?uri=at://"+alice.did.String()+"/"+posts+"/a", "").decode(t, &status)
	if !status.Takedown.Applied {
		t.Errorf("the record's status is %+v", status)
	}
	w.takedown(t, record, false)
	get().decode(t, nil)

	picture := map[string]any{"$type": "com.atproto.admin.defs#repoBlobRef", "did": alice.did, "cid": blob.Ref["$link"]}
	w.takedown(t, picture, true)
	alice.blob(t, "", blob).refused(t, 400, "BlobNotFound", "")
	alice.embed(t, "another", blob).refused(t, 400, "BlobNotFound", "")
	_, r := alice.upload(t, "image/png", pngBytes(t))
	r.refused(t, 400, "InvalidRequest", "takendown")
	w.takedown(t, picture, false)
	if r := alice.blob(t, "", blob); r.status != 200 {
		t.Errorf("after the takedown is lifted: %s", r)
	}
}

func TestAdminRefusals(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	alice.post(t, "com.atproto.admin.updateSubjectStatus", map[string]any{}).refused(t, 401, "AuthenticationRequired", "")
	w.get(t, "", "com.atproto.admin.getSubjectStatus", "did", alice.did.String()).refused(t, 401, "AuthenticationRequired", "")
	for body, name := range map[string]string{
		`{"subject":{"$type":"x"},"takedown":{"applied":true}}`:                                                                                                                                          "InvalidRequest",
		`{"subject":{"$type":"com.atproto.admin.defs#repoRef","did":"did:web:nobody.example"},"takedown":{"applied":true}}`:                                                                              "NotFound",
		`{"subject":{"$type":"com.atproto.admin.defs#repoRef","did":"x"},"takedown":{"applied":true}}`:                                                                                                   "InvalidRequest",
		`{"subject":{"$type":"com.atproto.repo.strongRef","uri":"at://did:web:nobody.example/a.b.c/x","cid":"bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"},"takedown":{"applied":true}}`: "NotFound",
		`{"subject":{"$type":"com.atproto.admin.defs#repoRef"},"takedown":{"applied":true},"deactivated":{"applied":false}}`:                                                                             "InvalidRequest",
		`{"subject":{"$type":"com.atproto.admin.defs#repoBlobRef","did":"` + alice.did.String() + `","cid":"x"},"takedown":{"applied":true}}`:                                                            "InvalidRequest",
	} {
		w.admin(t, "POST", "com.atproto.admin.updateSubjectStatus", body).refused(t, 400, name, "")
	}
	w.admin(t, "GET", "com.atproto.admin.getSubjectStatus", "").refused(t, 400, "InvalidRequest", "No provided subject")
}

func TestDeleteAccount(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := start(t, withClock(&now))
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	alice.create(t, "one")
	w.admin(t, "POST", "com.atproto.admin.deleteAccount", `{"did":"`+alice.did.String()+`"}`).decode(t, nil)
	w.admin(t, "POST", "com.atproto.admin.deleteAccount", `{"did":"`+alice.did.String()+`"}`).refused(t, 400, "NotFound", "")
	w.get(t, "", "com.atproto.sync.getRepo", "did", alice.did.String()).refused(t, 400, "RepoNotFound", "")
	alice.post(t, "com.atproto.repo.createRecord", map[string]any{
		"repo": alice.did, "collection": posts, "record": map[string]any{},
	}).refused(t, 403, "AccountNotFound", "")
	var kinds []string
	for e, err := range w.config.Store.ListEvents(t.Context(), storage.EventRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.DID == alice.did {
			kinds = append(kinds, string(e.Kind))
		}
	}
	if strings.Join(kinds, " ") != "#account" {
		t.Errorf("the log has %v of a deleted account", kinds)
	}
	if again := w.signUp(t, "alice"); again.did == alice.did {
		t.Error("a new account has the old DID")
	}

	bob.post(t, "com.atproto.server.deactivateAccount", map[string]any{"deleteAfter": "2026-01-05T00:00:00Z"}).decode(t, nil)
	now = now.Add(71 * time.Hour)
	w.Upkeep(t.Context())
	w.get(t, "", "com.atproto.sync.getRepoStatus", "did", bob.did.String()).decode(t, nil)
	now = now.Add(26 * time.Hour)
	w.Upkeep(t.Context())
	w.get(t, "", "com.atproto.sync.getRepoStatus", "did", bob.did.String()).refused(t, 400, "RepoNotFound", "")
}

func TestListReposByCollection(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	w.signUp(t, "carol")
	alice.create(t, "one")
	bob.create(t, "two")
	list := func(params ...string) (dids []string, cursor string) {
		var out struct {
			Repos  []struct{ DID string }
			Cursor string
		}
		w.get(t, "", "com.atproto.sync.listReposByCollection", append(params, "collection", posts)...).decode(t, &out)
		for _, r := range out.Repos {
			dids = append(dids, r.DID)
		}
		return dids, out.Cursor
	}
	if dids, _ := list(); len(dids) != 2 {
		t.Errorf("got %v", dids)
	}
	first, cursor := list("limit", "1")
	second, _ := list("limit", "1", "cursor", cursor)
	if len(first) != 1 || len(second) != 1 || first[0] == second[0] {
		t.Errorf("pages: %v, %v", first, second)
	}
	bob.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	if dids, _ := list(); len(dids) != 1 || dids[0] != alice.did.String() {
		t.Errorf("with bob deactivated: %v", dids)
	}
}
