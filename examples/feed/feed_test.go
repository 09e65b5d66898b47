package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	pdsqlite "github.com/pdskit/pdskit/storage/sqlite"
)

// app is the program's parts, served by a test.
type app struct {
	*follower
	*client // of nobody
}

// open opens the app in a folder, without following the log yet.
func open(t *testing.T, dir, plcURL string) *app {
	t.Helper()
	t.Setenv("FEED_SECRET", secret)
	t.Setenv("FEED_ADMIN_PASSWORD", "admin-password")
	store, err := pdsqlite.Open(t.Context(), filepath.Join(dir, "pds.sqlite"), pdsqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := newPDS(t.Context(), store, dir, plcURL)
	if err != nil {
		t.Fatal(err)
	}
	table, err := openTable(t.Context(), filepath.Join(dir, "feed.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle(getPosts(table))
	server := httptest.NewServer(srv)
	t.Cleanup(func() {
		server.Close()
		if err := errors.Join(table.close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return &app{follower: &follower{srv, store, table}, client: &client{url: server.URL}}
}

// catchUp follows the log until the table has all of it.
func (a *app) catchUp(t *testing.T) {
	t.Helper()
	last, err := a.store.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.follow(ctx) }()
	for deadline := time.Now().Add(time.Minute); ; {
		seq, err := a.table.position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seq == last {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("following ended at %d of %d: %v", seq, last, err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the table is still at %d of %d", seq, last)
		}
	}
	cancel()
	<-done
}

// want holds what the endpoint answers against the texts, each with the number of its edits.
func (a *app) want(t *testing.T, want ...string) {
	t.Helper()
	a.catchUp(t)
	got := []string{}
	for _, p := range a.list(t, 100) {
		got = append(got, fmt.Sprint(p.Text, " ", p.Edits))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the feed has %q, want %q", got, want)
	}
}

// wantRows counts the posts in the table, hidden ones and all.
func (a *app) wantRows(t *testing.T, want int) {
	t.Helper()
	var got int
	check(t, a.table.with(t.Context(), func(conn *sqlite.Conn) error {
		return query(conn, func(row *sqlite.Stmt) { got = row.ColumnInt(0) }, "SELECT count(*) FROM posts")
	}))
	if got != want {
		t.Errorf("the table has %d posts, want %d", got, want)
	}
}

// list asks for all posts, page by page.
func (a *app) list(t *testing.T, limit int) (posts []post) {
	t.Helper()
	for cursor := ""; ; {
		var page postList
		query := fmt.Sprintf("com.example.feed.getPosts?limit=%d&cursor=%s", limit, url.QueryEscape(cursor))
		if err := a.do(t.Context(), http.MethodGet, query, "", nil, &page); err != nil {
			t.Fatal(err)
		}
		posts = append(posts, page.Posts...)
		if cursor = page.Cursor; cursor == "" {
			return posts
		}
	}
}

func (a *app) signUp(t *testing.T, name string) *client {
	t.Helper()
	c, err := signUp(t.Context(), a.url, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *app) admin() *client {
	return &client{url: a.url, authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:admin-password"))}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPosts(t *testing.T) {
	ctx := t.Context()
	a := open(t, t.TempDir(), startPLC(t))
	alice, bob := a.signUp(t, "alice"), a.signUp(t, "bobby")
	a.want(t)
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "one"))
	check(t, bob.put(ctx, "3kaaaaaaaaa2b", "two"))
	check(t, bob.put(ctx, "3kaaaaaaaaa2c", "three"))
	a.want(t, "three 0", "two 0", "one 0")
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "One"))
	check(t, bob.delete(ctx, "3kaaaaaaaaa2b"))
	check(t, bob.post(ctx, "com.atproto.repo.createRecord", map[string]any{
		"repo": bob.did, "collection": "app.bsky.graph.follow",
		"record": map[string]any{"subject": alice.did, "createdAt": "2026-01-02T12:00:00Z"},
	}, nil))
	a.want(t, "three 0", "One 1")

	if p := a.list(t, 1); len(p) != 2 || p[1].URI.Authority().DID() != alice.did || p[1].URI.RecordKey() != "3kaaaaaaaaa2a" {
		t.Errorf("page by page: %+v", p)
	}
	err := a.do(ctx, http.MethodGet, "com.example.feed.getPosts?cursor=x", "", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a cursor that isn't one: %v", err)
	}
}

func TestAccounts(t *testing.T) {
	ctx := t.Context()
	a := open(t, t.TempDir(), startPLC(t))
	alice, bob := a.signUp(t, "alice"), a.signUp(t, "bobby")
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "alice's"))
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "alice's"))
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "Alice's"))
	check(t, bob.put(ctx, "3kaaaaaaaaa2b", "Bob's"))
	takedown := func(applied bool) {
		check(t, a.admin().post(ctx, "com.atproto.admin.updateSubjectStatus", map[string]any{
			"subject":  map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": bob.did},
			"takedown": map[string]any{"applied": applied, "ref": "1"},
		}, nil))
	}
	a.want(t, "Bob's 0", "Alice's 1")
	check(t, alice.post(ctx, "com.atproto.server.deactivateAccount", map[string]any{}, nil))
	a.want(t, "Bob's 0")
	takedown(true)
	a.want(t)
	takedown(false)
	check(t, alice.post(ctx, "com.atproto.server.activateAccount", nil, nil))
	a.want(t, "Bob's 0", "Alice's 1")
	check(t, a.admin().post(ctx, "com.atproto.admin.deleteAccount", map[string]any{"did": bob.did}, nil))
	a.want(t, "Alice's 1")
	a.wantRows(t, 1)
}

// A repo that was imported is read anew, and so is one whose rev shows that something is missing, and so are all when
// the log lacks events.
func TestReadAnew(t *testing.T) {
	ctx := t.Context()
	a := open(t, t.TempDir(), startPLC(t))
	alice := a.signUp(t, "alice")
	check(t, alice.put(ctx, "3kaaaaaaaaa2a", "one"))
	check(t, alice.put(ctx, "3kaaaaaaaaa2b", "two"))
	var car []byte
	check(t, alice.do(ctx, http.MethodGet, "com.atproto.sync.getRepo?did="+alice.did.String(), "", nil, &car))
	check(t, alice.put(ctx, "3kaaaaaaaaa2c", "three"))
	check(t, alice.delete(ctx, "3kaaaaaaaaa2a"))
	a.want(t, "three 0", "two 0")
	restore := func() {
		check(t, alice.do(ctx, http.MethodPost, "com.atproto.repo.importRepo", "application/vnd.ipld.car", car, nil))
	}
	restore()
	a.want(t, "two 0", "one 0")
	restore()
	check(t, alice.put(ctx, "3kaaaaaaaaa2d", "four")) // it is there when the #sync is read
	a.want(t, "four 0", "two 0", "one 0")

	check(t, alice.put(ctx, "3kaaaaaaaaa2d", "Four"))
	a.want(t, "Four 1", "two 0", "one 0")
	check(t, alice.post(ctx, "com.atproto.server.deactivateAccount", map[string]any{}, nil))
	check(t, alice.post(ctx, "com.atproto.server.activateAccount", nil, nil)) // a #sync, but of nothing new
	a.want(t, "Four 1", "two 0", "one 0")

	check(t, a.table.with(ctx, func(conn *sqlite.Conn) error {
		return errors.Join(execute(conn, "DELETE FROM posts"), execute(conn, "UPDATE accounts SET rev = '2222222222222'"))
	}))
	check(t, alice.delete(ctx, "3kaaaaaaaaa2d"))
	a.want(t, "two 0", "one 0")

	bob := a.signUp(t, "bobby")
	check(t, bob.put(ctx, "3kaaaaaaaaa2e", "five"))
	check(t, alice.post(ctx, "com.atproto.server.deactivateAccount", map[string]any{}, nil))
	check(t, a.admin().post(ctx, "com.atproto.admin.deleteAccount", map[string]any{"did": alice.did}, nil))
	check(t, bob.put(ctx, "3kaaaaaaaaa2e", "Five"))
	if _, err := a.store.TrimEvents(ctx, time.Now().Add(time.Hour), 2); err != nil {
		t.Fatal(err)
	}
	a.want(t, "Five 0") // its edit has been missed, its text hasn't
}
