package pds_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	indigo "github.com/bluesky-social/indigo/atproto/repo"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// What moderators have taken down stays so.
func TestMigratedTakedowns(t *testing.T) {
	w, _, logins := migrated(t)
	hidden := make(map[string]string) // what, as a parameter of getSubjectStatus, and the moderator's reference
	for _, u := range logins {
		if u.account == nil {
			continue
		}
		if ref := u.account.Account.TakedownRef; ref != "" {
			hidden["did="+u.did.String()] = ref
		}
		for _, r := range u.account.Records {
			if r.Takedown != "" {
				hidden["uri=at://"+u.did.String()+"/"+r.Path] = r.Takedown
			}
		}
		for _, b := range u.account.Blobs {
			if b.Takedown != "" {
				hidden["did="+u.did.String()+"&blob="+b.CID] = b.Takedown
			}
		}
	}
	if len(hidden) != 3 {
		t.Errorf("there should be an account, a record and a blob: %s", hidden)
	}
	for subject, ref := range hidden {
		var status subjectStatus
		w.admin(t, "GET", "com.atproto.admin.getSubjectStatus?"+subject, "").decode(t, &status)
		if !status.Takedown.Applied || status.Takedown.Ref != ref {
			t.Errorf("%s is %+v, want %s", subject, status, ref)
		}
	}
	erin := logins["erin"].did.String()
	const feed = "app.bsky.feed.post"
	w.get(t, "", "com.atproto.repo.getRecord", "repo", erin, "collection", feed, "rkey", "3ke6kg3wk2322").
		refused(t, 400, "RecordNotFound", "")
	var list struct{ Records []struct{ URI string } }
	w.get(t, "", "com.atproto.repo.listRecords", "repo", erin, "collection", feed, "limit", "100").decode(t, &list)
	if shown := len(list.Records); shown == 0 || shown != logins["erin"].posts()-1 {
		t.Errorf("of %d posts %d are listed", logins["erin"].posts(), shown)
	}
}

func (l *login) posts() (n int) {
	for _, r := range l.account.Records {
		if strings.HasPrefix(r.Path, "app.bsky.feed.post/") {
			n++
		}
	}
	return n
}

// record is a post, as the input of createRecord.
func (l *login) record(text string) object {
	return object{"repo": l.did, "collection": "app.bsky.feed.post", "record": object{
		"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-27T12:30:00.000Z",
	}}
}

// The repos go on where they were: each one's first commit of today follows on its last one, and
// its event on the last.
func TestMigratedRepos(t *testing.T) {
	w, was, logins := migrated(t)
	for name, u := range logins {
		if name != "frank" {
			if err := w.Repo(u.did).Verify(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for i, name := range []string{"alice", "dave", "erin"} {
		u := logins[name]
		var post written
		u.post(t, "com.atproto.repo.createRecord", u.record("written today")).decode(t, &post)
		want := was.LastSeq + int64(i) + 1
		var event storage.Event
		for e, err := range w.config.Store.ListEvents(t.Context(), storage.EventRange{After: want - 1}) {
			noError(t, err)
			event = e
		}
		if event.Seq != want || event.DID != u.did {
			t.Errorf("%s: the event is %d of %s, want %d", name, event.Seq, event.DID, want)
		}
		var commit comatproto.SyncSubscribeRepos_Commit
		noError(t, commit.UnmarshalCBOR(bytes.NewReader(event.Body)))
		if _, err := indigo.VerifyCommitMessage(t.Context(), &commit); err != nil { // it inverts the operations
			t.Errorf("%s: %v", name, err)
		}
		head := u.account.Head
		if commit.Since == nil || *commit.Since != head.Rev.String() || commit.PrevData == nil ||
			commit.PrevData.String() != head.Data.String() || commit.Rev != post.Commit.Rev {
			t.Errorf("%s: the commit follows on %v with %v, want %s with %s",
				name, commit.Since, commit.PrevData, head.Rev, head.Data)
		}
		if err := w.Repo(u.did).Verify(t.Context()); err != nil {
			t.Errorf("%s, then: %v", name, err)
		}
	}
	bob := logins["bob"]
	bob.post(t, "com.atproto.repo.createRecord", bob.record("no")).refused(t, 401, "AccountDeactivated", "")
	heidi := w.signUp(t, "heidi")
	row, err := w.config.Store.Account(t.Context(), heidi.did)
	if err != nil || row.ID <= int64(len(was.Accounts)) {
		t.Errorf("a new account has number %d, %v", row.ID, err)
	}
}

// The index of subjects knows the likes of before, and new ones beside them.
func TestMigratedSubjects(t *testing.T) {
	w, _, logins := migrated(t)
	const likes = "app.bsky.feed.like"
	dave := logins["dave"]
	n := 0
	for _, r := range dave.account.Records {
		path := r.Path
		if !strings.HasPrefix(path, likes+"/") {
			continue
		}
		n++
		old, err := w.config.Store.Record(t.Context(), dave.did, path)
		noError(t, err)
		value, err := data.Decode(old.Bytes)
		noError(t, err)
		var created written
		dave.post(t, "com.atproto.repo.createRecord", object{"repo": dave.did, "collection": likes, "record": object{
			"$type": likes, "subject": value["subject"], "createdAt": "2026-11-27T12:30:00.000Z",
		}}).decode(t, &created)
		subject := value["subject"].(map[string]any)["uri"].(string)
		var found []string
		these := storage.RecordRange{Collection: likes, Subject: subject}
		for r, err := range w.config.Store.Records(t.Context(), dave.did, these) {
			noError(t, err)
			found = append(found, "at://"+dave.did.String()+"/"+r.Path)
		}
		want := []string{"at://" + dave.did.String() + "/" + path, created.URI}
		if slices.Sort(want); !slices.Equal(found, want) {
			t.Errorf("the likes of %s are %s, want %s", subject, found, want)
		}
	}
	if n == 0 {
		t.Error("there are no likes")
	}
}

// A repo of an older database is exported, and moves to another server.
func TestMigratedExports(t *testing.T) {
	w, was, logins := migrated(t)
	elsewhere := start(t, withClock(&was.Now), func(c *pds.Config) {
		c.PLCURL, c.HandleDomains, c.DID = w.directory.URL, []string{".new.test"}, "did:web:new.example.com"
	})
	for name, want := range map[string]string{"bob": "RepoDeactivated", "carol": "RepoTakendown", "frank": "RepoNotFound"} {
		w.get(t, "", "com.atproto.sync.getRepo", "did", logins[name].did.String()).refused(t, 400, want, "")
	}
	for _, name := range []string{"alice", "dave", "erin"} {
		u := logins[name]
		m := &move{from: w, to: elsewhere, old: u.user}
		input := signUpInput(name)
		input["did"], input["handle"] = u.did, name+".new.test"
		m.new = elsewhere.newUser(t, u.serviceToken(t, "did:web:new.example.com", server+"createAccount"), input)
		m.importRepo(t, m.car(t)).decode(t, nil)
		want, got := make(map[string]string), elsewhere.records(t, u.did)
		for _, r := range u.account.Records {
			want[r.Path] = r.CID
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s has moved as (-want +got):\n%s", name, diff)
		}
	}
}
