package sqlite

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	lite "zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// contents1 is what a program of schema version 1 read from its database.
type contents1 struct {
	Accounts []account1
	Events   []event1
	LastSeq  int64
	Tokens   []token1 // of no account
	Sealed   string   // the sum of the server's own key
}

type account1 struct {
	Account     storage.Account
	Head        storage.Head
	Records     []record1
	Stats       storage.RepoStats
	Collections []syntax.NSID
	ListedBlobs []string
	Blobs       []blob1
	Preferences json.RawMessage
	Sealed      string // the sum of its key
	Tokens      []token1
}

type record1 struct{ Path, CID, Rev, Sum, Takedown string }

type blob1 struct {
	CID, MIME, Takedown string
	Size                int64
	Created             time.Time
	Referenced          bool
}

type token1 struct {
	Kind, ID, DID, Value string
	Issued, Expires      time.Time
}

type event1 struct {
	Seq            int64
	DID, Kind, Sum string
	Time           time.Time
}

// A database of schema version 1 has after its migration what it had before.
func TestMigrateVersion1(t *testing.T) {
	checkVersion1(t, unpack(t))
}

// A migration that is killed, wherever it is, leaves the database as it was, and the next one does
// it all.
func TestMigrateKilled(t *testing.T) {
	path := unpack(t)
	for _, point := range []string{"script", "page", "index", "version"} {
		kill(t, path, point)
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
			t.Errorf("%s: when it was killed, nothing was written", point)
		}
		want := 1
		if point == "version" {
			want = 2
		}
		db, err := openConn(path, lite.OpenReadWrite, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := schemaVersion(db); err != nil || got != want {
			t.Errorf("%s: then the version is %d, %v, want %d", point, got, err, want)
		}
		db.Close()
	}
	checkVersion1(t, path)
}

// migrateEnv tells this binary, run again, a point and a database: it migrates that until the
// point, and waits.
const migrateEnv = "SQLITE_MIGRATE_TEST"

func migrateUntil(pointAndPath string) {
	point, path, _ := strings.Cut(pointAndPath, ":")
	halt := func(*conn) error {
		fmt.Println(point)
		time.Sleep(time.Hour) // it's killed
		return nil
	}
	steps := migrations()[:2]
	steps[1].finish = map[string]func(*conn) error{
		"script": halt,
		"page": func(db *conn) error {
			if _, _, err := fillSubjects(db, recordKey{}); err != nil {
				return err
			}
			return halt(db)
		},
		"index": func(db *conn) error {
			if err := indexSubjects(db); err != nil {
				return err
			}
			return halt(db)
		},
		"version": indexSubjects,
	}[point]
	db, err := openWriter(path, 1<<15, 0) // so little memory that it writes long before it commits
	if err == nil {
		err = migrate(db, steps)
	}
	if err != nil {
		panic(err)
	}
	halt(db)
}

// kill runs a migration until it's at a point.
func kill(t *testing.T, path, point string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), migrateEnv+"="+point+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != point {
		t.Errorf("it came to %q, want %q", lines.Text(), point)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
}

// unpack makes a copy of the database of version 1.
func unpack(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pds.sqlite")
	if err := os.WriteFile(path, unzip(t, "pds.db.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func unzip(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "schema-1", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkVersion1 opens a database that was of version 1 and compares it with what it has to have.
func checkVersion1(t *testing.T, path string) {
	t.Helper()
	var want contents1
	if err := json.Unmarshal(unzip(t, "contents.json.gz"), &want); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path, Options{})
	integrity(t, s)
	if got := readContents(t, s, want); !cmp.Equal(want, got, equal) {
		t.Errorf("-want +got:\n%s", cmp.Diff(want, got, equal))
	}
	for _, a := range want.Accounts {
		checkSubjects(t, s, a)
	}
	if err := s.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkNoGarbage(t, s)
	checkLoneBlobs(t, s, want)
}

// equal compares CIDs, whose fields nobody else sees, and JSON as it means.
var equal = cmp.Options{
	cmp.Comparer(func(a, b cid.Cid) bool { return a == b }),
	cmp.Transformer("JSON", func(b json.RawMessage) (v any) { json.Unmarshal(b, &v); return v }),
}

// readContents reads by the verbs of today what want says.
func readContents(t *testing.T, s *Store, want contents1) (got contents1) {
	t.Helper()
	ctx := t.Context()
	for h, err := range s.ListAccounts(ctx, 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		a := account1{Account: h.Account, Head: h.Head}
		readRepo(t, s, &a)
		for _, w := range want.Accounts {
			if w.Account.DID == h.DID {
				readBlobs(t, s, &a, w.Blobs)
			}
		}
		readDocuments(t, s, &a)
		got.Accounts = append(got.Accounts, a)
	}
	for e, err := range s.ListEvents(ctx, storage.EventRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		got.Events = append(got.Events, event1{e.Seq, string(e.DID), string(e.Kind), sum(e.Body), e.Time})
	}
	var err error
	if got.LastSeq, err = s.LastSeq(ctx); err != nil {
		t.Fatal(err)
	}
	got.Sealed = sealed(t, s, "rotation", "")
	for _, w := range want.Tokens {
		d, err := s.Document(ctx, w.Kind, w.ID)
		if err != nil {
			t.Errorf("%s %s: %v", w.Kind, w.ID, err)
		}
		got.Tokens = append(got.Tokens, asToken(d))
	}
	return got
}

func readRepo(t *testing.T, s *Store, a *account1) {
	t.Helper()
	ctx, did := t.Context(), a.Account.DID
	takedowns := make(map[string]string)
	for d, err := range s.ListTakedowns(ctx, did) {
		if err != nil {
			t.Fatal(err)
		}
		takedowns[d.Path] = d.Ref // those of blobs, without a path, are compared elsewhere
	}
	for r, err := range s.Records(ctx, did, storage.RecordRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		a.Records = append(a.Records, record1{r.Path, r.CID.String(), string(r.Rev), sum(r.Bytes), r.TakedownRef})
		if takedowns[r.Path] != r.TakedownRef {
			t.Errorf("the takedown of %s is listed as %q, want %q", r.Path, takedowns[r.Path], r.TakedownRef)
		}
	}
	var err error
	if a.Stats, err = s.Stats(ctx, did); err != nil {
		t.Fatal(err)
	}
	if a.Collections, err = s.Collections(ctx, did); err != nil {
		t.Fatal(err)
	}
}

func readBlobs(t *testing.T, s *Store, a *account1, want []blob1) {
	t.Helper()
	ctx, did := t.Context(), a.Account.DID
	for ref, err := range s.ListBlobs(ctx, did, storage.BlobRange{}) {
		if err != nil {
			t.Fatal(err)
		}
		a.ListedBlobs = append(a.ListedBlobs, ref.CID.String())
	}
	for _, w := range want {
		b, err := s.Blob(ctx, did, mustCID(t, w.CID))
		if err != nil {
			t.Errorf("%s: %v", w.CID, err)
		}
		a.Blobs = append(a.Blobs, blob1{b.CID.String(), b.MIMEType, b.TakedownRef, b.Size, b.CreatedAt, b.Referenced})
	}
}

func readDocuments(t *testing.T, s *Store, a *account1) {
	t.Helper()
	ctx, did := t.Context(), a.Account.DID
	for d, err := range s.ListDocuments(ctx, storage.DocumentRange{Owner: did}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case d.Kind == storage.KindPreferences:
			a.Preferences = json.RawMessage(d.Value)
			if d.ID != string(did) || !d.ExpiresAt.IsZero() || !d.IssuedAt.IsZero() {
				t.Errorf("preferences: %+v", d)
			}
		case d.Kind != storage.KindKey:
			a.Tokens = append(a.Tokens, asToken(d))
		}
	}
	slices.SortStableFunc(a.Tokens, func(x, y token1) int { return tokenOrder(x.Kind) - tokenOrder(y.Kind) })
	a.Sealed = sealed(t, s, string(did), did)
}

func sealed(t *testing.T, s *Store, name string, owner syntax.DID) string {
	t.Helper()
	d, err := s.Document(t.Context(), storage.KindKey, name)
	if err != nil || d.Owner != owner || !d.ExpiresAt.IsZero() || !d.IssuedAt.IsZero() {
		t.Errorf("key %s: %+v, %v", name, d, err)
	}
	return sum(d.Value)
}

// tokenOrder is that in which the contents have an account's tokens.
func tokenOrder(kind string) int {
	return slices.Index([]string{"session", "app-password", "email-confirm_email", "invite"}, kind)
}

func asToken(d storage.Document) token1 {
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) // which meant never
	}
	return token1{d.Kind, d.ID, string(d.Owner), string(d.Value), d.IssuedAt, d.ExpiresAt}
}

// checkSubjects finds the likes and the follows of an account by their subjects, and nothing by
// others.
func checkSubjects(t *testing.T, s *Store, a account1) {
	t.Helper()
	for _, w := range a.Records {
		collection := collectionOf(w.Path)
		if collection != "app.bsky.feed.like" && collection != "app.bsky.graph.follow" {
			continue
		}
		r, err := s.Record(t.Context(), a.Account.DID, w.Path)
		if err != nil {
			t.Fatal(err)
		}
		subject := data.Subject(r.Bytes)
		if !strings.HasPrefix(subject, "at://did:") && !strings.HasPrefix(subject, "did:") {
			t.Errorf("%s has subject %q", w.Path, subject)
		}
		found := pathsOf(t, s, a.Account.DID, storage.RecordRange{Collection: collection, Subject: subject})
		if !slices.Contains(found, w.Path) {
			t.Errorf("by %s are found %s, not %s", subject, found, w.Path)
		}
	}
}

// checkLoneBlobs sees that nobody finds the blobs of an account that was deleted, and that they're
// about to be deleted.
func checkLoneBlobs(t *testing.T, s *Store, want contents1) {
	t.Helper()
	claimed, err := s.ClaimBlobs(t.Context(), time.Time{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	lone := 0
	for _, id := range claimed {
		hosted := slices.ContainsFunc(want.Accounts, func(a account1) bool { return a.Account.DID == id.DID })
		if !hosted {
			lone++
		}
	}
	if lone != 3 {
		t.Errorf("%d blobs of the deleted account are claimed, want 3", lone)
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

// A database of an older version isn't read before it's migrated.
func TestOpenReadOnlyOlder(t *testing.T) {
	path := unpack(t)
	for range 2 {
		if _, err := OpenReadOnly(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "for writing once") {
			t.Errorf("got %v, want a refusal that says what to do", err)
		}
	}
	openAt(t, path, Options{}).Close()
	s, err := OpenReadOnly(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
