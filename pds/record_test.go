package pds_test

import (
	"fmt"
	"io"
	"net"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

const posts = "com.example.feed.post"

func TestRecords(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	post := alice.create(t, "one")
	rkey := post.URI[strings.LastIndex(post.URI, "/")+1:]

	var got struct {
		URI, CID string
		Value    map[string]any
	}
	for _, repo := range []string{alice.did.String(), "alice.test", "ALICE.test"} {
		w.get(t, "", "com.atproto.repo.getRecord", "repo", repo, "collection", posts, "rkey", rkey).decode(t, &got)
		if got.URI != post.URI || got.CID != post.CID || got.Value["text"] != "one" || got.Value["$type"] != posts {
			t.Errorf("got %+v, want %+v", got, post)
		}
	}
	w.get(t, "", "com.atproto.repo.getRecord", "repo", "alice.test", "collection", posts, "rkey", rkey, "cid", post.CID).decode(t, nil)

	put := func(text string, more ...any) *response {
		in := map[string]any{"repo": "alice.test", "collection": posts, "rkey": rkey, "record": map[string]any{"text": text}}
		for i := 0; i+1 < len(more); i += 2 {
			in[more[i].(string)] = more[i+1]
		}
		return alice.post(t, "com.atproto.repo.putRecord", in)
	}
	var same, edited written
	put("one").decode(t, &same)
	if same.Commit != nil || same.CID != post.CID {
		t.Errorf("a put of what is there made %+v", same)
	}
	put("two").decode(t, &edited)
	if edited.Commit == nil || edited.CID == post.CID {
		t.Errorf("a put made %+v", edited)
	}
	put("three", "swapRecord", post.CID).refused(t, 400, "InvalidSwap", "")
	put("three", "swapRecord", nil).refused(t, 400, "InvalidSwap", "")
	put("three", "swapCommit", post.Commit.CID).refused(t, 400, "InvalidSwap", "")
	put("three", "swapRecord", "nonsense").refused(t, 400, "InvalidRequest", "swapRecord")
	put("three", "swapRecord", edited.CID, "swapCommit", edited.Commit.CID).decode(t, nil)
	put("new", "rkey", "fresh", "swapRecord", nil).decode(t, nil)

	remove := func(more ...any) *response {
		in := map[string]any{"repo": "alice.test", "collection": posts, "rkey": rkey}
		for i := 0; i+1 < len(more); i += 2 {
			in[more[i].(string)] = more[i+1]
		}
		return alice.post(t, "com.atproto.repo.deleteRecord", in)
	}
	remove("swapRecord", post.CID).refused(t, 400, "InvalidSwap", "")
	var deleted, again struct{ Commit *struct{ CID string } }
	remove().decode(t, &deleted)
	remove().decode(t, &again)
	if deleted.Commit == nil || again.Commit != nil {
		t.Errorf("deleting gave %+v, deleting again %+v", deleted, again)
	}
	w.get(t, "", "com.atproto.repo.getRecord", "repo", "alice.test", "collection", posts, "rkey", rkey).refused(t, 400, "RecordNotFound", "")
	if err := w.Repo(alice.did).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestApplyWrites(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	type op = map[string]any
	apply := func(ops ...op) *response {
		return alice.post(t, "com.atproto.repo.applyWrites", op{"repo": alice.did, "writes": ops})
	}
	kind := func(action string, more op) op {
		more["$type"] = "com.atproto.repo.applyWrites#" + action
		more["collection"] = posts
		return more
	}
	var out struct {
		Commit  struct{ CID, Rev string }
		Results []struct {
			Type string `json:"$type"`
			URI  string
			CID  string
		}
	}
	apply(
		kind("create", op{"value": op{"text": "a"}}),
		kind("create", op{"value": op{"text": "b"}}),
		kind("create", op{"rkey": "c", "value": op{"text": "c"}}),
	).decode(t, &out)
	if len(out.Results) != 3 || out.Results[0].URI == out.Results[1].URI || out.Commit.Rev == "" ||
		out.Results[2].Type != "com.atproto.repo.applyWrites#createResult" {
		t.Errorf("got %+v", out)
	}
	apply(kind("update", op{"rkey": "c", "value": op{"text": "C"}}), kind("create", op{"rkey": "d", "value": op{"text": "d"}})).decode(t, &out)
	apply(kind("delete", op{"rkey": "d"})).decode(t, &out)

	many := make([]op, 201)
	for i := range many {
		many[i] = kind("create", op{"value": op{"n": i}})
	}
	apply(many...).refused(t, 400, "InvalidRequest", "Too many writes. Max: 200")
	apply(many[:200]...).decode(t, nil)

	for _, test := range []struct {
		name string
		ops  []op
		text string
	}{
		{"an unknown action", []op{kind("upsert", op{"rkey": "x"})}, "input.writes[0].$type: "},
		{"no collection", []op{{"$type": "com.atproto.repo.applyWrites#create", "value": op{}}}, "input.writes[0].collection: is required"},
		{"no value", []op{kind("create", op{})}, "input.writes[0].value: is required"},
		{"an update without a key", []op{kind("update", op{"value": op{}})}, "input.writes[0].rkey: is required"},
		{"one record twice", []op{kind("create", op{"rkey": "x", "value": op{}}), kind("delete", op{"rkey": "x"})}, "same record"},
		{"an update of nothing", []op{kind("create", op{"rkey": "y", "value": op{}}), kind("update", op{"rkey": "x", "value": op{}})}, "Could not find record"},
		{"a create of what is there", []op{kind("create", op{"rkey": "y", "value": op{}}), kind("create", op{"rkey": "c", "value": op{}})}, "Record already exists"},
	} {
		t.Run(test.name, func(t *testing.T) {
			apply(test.ops...).refused(t, 400, "InvalidRequest", test.text)
		})
	}
	w.get(t, "", "com.atproto.repo.getRecord", "repo", "alice.test", "collection", posts, "rkey", "y").refused(t, 400, "RecordNotFound", "")
	if err := w.Repo(alice.did).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWriteRefusals(t *testing.T) {
	w := start(t)
	alice, bob := w.signUp(t, "alice"), w.signUp(t, "bobby")
	var before struct{ CID string }
	alice.get(t, "com.atproto.sync.getLatestCommit", "did", alice.did.String()).decode(t, &before)
	with := func(pairs ...any) map[string]any {
		in := map[string]any{"repo": alice.did, "collection": posts, "record": map[string]any{"text": "x"}}
		for i := 0; i+1 < len(pairs); i += 2 {
			in[pairs[i].(string)] = pairs[i+1]
		}
		return in
	}
	link := map[string]any{"$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"}
	for _, test := range []struct {
		name   string
		in     map[string]any
		status int
		error  string
		text   string
	}{
		{"someone else's repo", with("repo", bob.did), 401, "AuthenticationRequired", ""},
		{"an unknown repo", with("repo", "nobody.test"), 401, "AuthenticationRequired", ""},
		{"no repo", with("repo", ""), 400, "InvalidRequest", "account identifier"},
		{"a collection that is no NSID", with("collection", "posts"), 400, "InvalidRequest", ""},
		{"a key with a slash", with("rkey", "a/b"), 400, "InvalidRequest", ""},
		{"a dot as the key", with("rkey", "."), 400, "InvalidRequest", ""},
		{"a long key", with("rkey", strings.Repeat("k", 513)), 400, "InvalidRequest", ""},
		{"no record", with("record", nil), 400, "InvalidRequest", ""},
		{"a record that is no object", with("record", "text"), 400, "InvalidRequest", "must be an object"},
		{"another $type", with("record", map[string]any{"$type": "com.example.feed.like"}), 400, "InvalidRequest", "Invalid $type: expected com.example.feed.post, got com.example.feed.like"},
		{"a fraction", with("record", map[string]any{"n": 0.5}), 400, "InvalidRequest", ""},
		{"a blob that isn't there", with("record", map[string]any{"b": map[string]any{
			"$type": "blob", "ref": link, "mimeType": "image/png", "size": 3}}), 400, "BlobNotFound", ""},
		{"a legacy blob", with("record", map[string]any{"b": map[string]any{
			"cid": link["$link"], "mimeType": "image/png"}}), 400, "InvalidRequest", "Legacy blobs"},
		{"a wrong swap", with("swapCommit", link["$link"]), 400, "InvalidSwap", ""},
		{"a swap that is no CID", with("swapCommit", "x"), 400, "InvalidRequest", "swapCommit"},
		{"validation by an unknown lexicon", with("validate", true), 400, "InvalidRequest", "Unknown lexicon"},
		{"a large body", with("record", map[string]any{"text": strings.Repeat("x", 1_000_000)}), 413, "PayloadTooLarge", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			alice.post(t, "com.atproto.repo.createRecord", test.in).refused(t, test.status, test.error, test.text)
		})
	}
	w.post(t, "", "com.atproto.repo.createRecord", with()).refused(t, 401, "AuthMissing", "")
	var after struct{ CID string }
	alice.get(t, "com.atproto.sync.getLatestCommit", "did", alice.did.String()).decode(t, &after)
	if before != after {
		t.Error("a refused write has changed the repo")
	}
}

func TestListRecords(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	for i := range 5 {
		alice.post(t, "com.atproto.repo.putRecord", map[string]any{
			"repo": alice.did, "collection": posts, "rkey": fmt.Sprint("k", i), "record": map[string]any{"n": i},
		}).decode(t, nil)
	}
	list := func(params ...string) (keys []string, cursor string) {
		var out struct {
			Records []struct{ URI string }
			Cursor  string
		}
		w.get(t, "", "com.atproto.repo.listRecords", append([]string{"repo", "alice.test", "collection", posts}, params...)...).decode(t, &out)
		for _, r := range out.Records {
			keys = append(keys, r.URI[len(r.URI)-2:])
		}
		return keys, out.Cursor
	}
	for _, test := range []struct {
		params []string
		want   string
	}{
		{nil, "[k4 k3 k2 k1 k0] "},
		{[]string{"limit", "2"}, "[k4 k3] k3"},
		{[]string{"limit", "2", "cursor", "k3"}, "[k2 k1] k1"},
		{[]string{"limit", "2", "cursor", "k1"}, "[k0] "},
		{[]string{"reverse", "true", "limit", "2"}, "[k0 k1] k1"},
		{[]string{"reverse", "true", "cursor", "k1"}, "[k2 k3 k4] "},
	} {
		keys, cursor := list(test.params...)
		if got := fmt.Sprint(keys, " ", cursor); got != test.want {
			t.Errorf("%v: got %s, want %s", test.params, got, test.want)
		}
	}
	w.get(t, "", "com.atproto.repo.listRecords", "repo", "nobody.test", "collection", posts).refused(t, 400, "InvalidRequest", "Could not find repo")
	w.get(t, "", "com.atproto.repo.listRecords", "repo", "alice.test", "collection", posts, "limit", "101").refused(t, 400, "InvalidRequest", "limit")

	var repo struct {
		Handle          string
		Collections     []string
		HandleIsCorrect bool
		DIDDoc          struct{ ID string }
	}
	w.get(t, "", "com.atproto.repo.describeRepo", "repo", "alice.test").decode(t, &repo)
	if repo.Handle != "alice.test" || fmt.Sprint(repo.Collections) != "[com.example.feed.post]" || !repo.HandleIsCorrect ||
		repo.DIDDoc.ID != alice.did.String() {
		t.Errorf("describeRepo: %+v", repo)
	}
	w.get(t, "", "com.atproto.repo.describeRepo", "repo", "nobody.test").refused(t, 400, "RepoNotFound", "")
}

// A request whose body breaks off leaves nothing behind.
func TestBodyCutOff(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	for _, method := range []string{"createRecord", "uploadBlob", "importRepo"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]string{"createRecord": "application/json", "uploadBlob": "image/png", "importRepo": "application/vnd.ipld.car"}
		fmt.Fprintf(conn, "POST /xrpc/com.atproto.repo.%s HTTP/1.1\r\nHost: pds\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: %s\r\nContent-Length: 1000\r\n\r\n{\"repo\":", method, alice.access, types[method])
		conn.(*net.TCPConn).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || strings.HasPrefix(string(answer), "HTTP/1.1 2") {
			t.Errorf("%s: %v, %s", method, err, answer)
		}
	}
	n := 0
	for _, err := range w.config.Store.ListBlobs(t.Context(), alice.did, storage.BlobRange{Limit: 10}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	stats, err := w.config.Store.Stats(t.Context(), alice.did)
	if err != nil || stats.Records != 0 || n != 0 {
		t.Errorf("after broken requests: %+v, %d blobs, %v", stats, n, err)
	}
}

// What a status allows: an inactive repo is read by its owner and the operator only, and written by nobody.
func TestAccountStatus(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	alice.create(t, "one")
	set := func(change func(*storage.Account)) {
		t.Helper()
		_, err := w.config.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
			a.DeactivatedAt, a.TakedownRef, a.Suspended = time.Time{}, "", false
			change(a)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	did := alice.did.String()
	for _, test := range []struct {
		name, status    string
		change          func(*storage.Account)
		read            string
		writeStatus     int
		write, sessions string
	}{
		{"deactivated", "deactivated", func(a *storage.Account) { a.DeactivatedAt = time.Now() }, "RepoDeactivated", 401, "AccountDeactivated", ""},
		{"taken down", "takendown", func(a *storage.Account) { a.TakedownRef = "r" }, "RepoTakendown", 401, "AccountTakedown", "AccountTakedown"},
		{"suspended", "suspended", func(a *storage.Account) { a.TakedownRef, a.Suspended = "r", true }, "RepoSuspended", 401, "AccountTakedown", "AccountTakedown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set(test.change)
			for _, method := range []string{"sync.getRepo", "sync.getLatestCommit", "sync.getHead", "sync.getCheckout", "sync.listBlobs"} {
				w.get(t, "", "com.atproto."+method, "did", did).refused(t, 400, test.read, "")
			}
			w.get(t, "", "com.atproto.repo.describeRepo", "repo", did).refused(t, 400, test.read, "")
			alice.get(t, "com.atproto.sync.getRepo", "did", did).decode(t, nil)
			var status struct {
				Active bool
				Status string
			}
			w.get(t, "", "com.atproto.sync.getRepoStatus", "did", did).decode(t, &status)
			if status.Active || status.Status != test.status {
				t.Errorf("getRepoStatus: %+v", status)
			}
			alice.post(t, "com.atproto.repo.createRecord", map[string]any{
				"repo": did, "collection": posts, "record": map[string]any{},
			}).refused(t, test.writeStatus, test.write, "")
			login := w.post(t, "", "com.atproto.server.createSession", map[string]any{"identifier": did, "password": "alice-password"})
			if login.name() != test.sessions {
				t.Errorf("logging in: %s", login)
			}
		})
	}
	set(func(*storage.Account) {})
	w.get(t, "", "com.atproto.sync.getRepo", "did", did).decode(t, nil)
}

// A page ends early where its records are large, and goes on with its cursor.
func TestListLargeRecords(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	const n = 8
	for i := range n {
		alice.post(t, "com.atproto.repo.putRecord", map[string]any{
			"repo": alice.did, "collection": "com.example.large", "rkey": fmt.Sprint(i),
			"record": map[string]any{"text": strings.Repeat("x", 900_000)},
		}).decode(t, nil)
	}
	var keys []string
	pages, cursor := 0, ""
	for pages == 0 || cursor != "" {
		var out struct {
			Records []struct{ URI string }
			Cursor  string
		}
		r := w.get(t, "", "com.atproto.repo.listRecords", "repo", alice.did.String(), "collection", "com.example.large",
			"limit", "100", "cursor", cursor)
		r.decode(t, &out)
		if len(r.body) > 6<<20 {
			t.Errorf("a page has %d bytes", len(r.body))
		}
		for _, rec := range out.Records {
			keys = append(keys, path.Base(rec.URI))
		}
		pages, cursor = pages+1, out.Cursor
	}
	if got := strings.Join(keys, " "); got != "7 6 5 4 3 2 1 0" {
		t.Errorf("listed %s", got)
	}
}
