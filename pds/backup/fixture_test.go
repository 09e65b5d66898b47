package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"go.uber.org/goleak"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	// An import of indigo starts this one.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/ipfs/go-log/writer.(*MirrorWriter).logRoutine"))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const post = "com.example.note"

// world is a server on a socket, with a PLC directory of its own.
type world struct {
	*pds.Server
	url   string
	plc   string
	http  *http.Client
	store storage.Store
	blobs storage.Blobs
	ring  *keys.Keyring
}

func newWorld(t testing.TB) *world {
	t.Helper()
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	check(t, err)
	plcServer := httptest.NewServer(directory)
	t.Cleanup(plcServer.Close)
	w := &world{plc: plcServer.URL, store: memory.New(), blobs: memory.NewBlobs()}
	w.ring, err = keys.New(keys.Config{Store: w.store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	check(t, err)
	_, err = w.ring.Generate(t.Context(), "rotation", keys.K256)
	check(t, err)
	rotation, err := w.ring.Signer(t.Context(), "rotation")
	check(t, err)
	front := httptest.NewUnstartedServer(nil)
	w.url = "http://" + front.Listener.Addr().String()
	w.Server, err = pds.New(pds.Config{
		Store: w.store, Blobs: w.blobs, PublicURL: w.url, HandleDomains: []string{".test"},
		TokenSecret: []byte("a secret that only tests know"), AdminPassword: "admin-password",
		Keys: w.ring, RotationKey: rotation, PLCURL: plcServer.URL, Development: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	front.Config.Handler = w.Server
	front.Start()
	transport := &http.Transport{}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		front.Close()
	})
	return w
}

// local is the world as a source that gives all.
func (w *world) local() *Local {
	engine, err := pdsrepo.New(pdsrepo.Config{Store: w.store, Signer: w.ring})
	if err != nil {
		panic(err)
	}
	return &Local{Store: w.store, Blobs: w.blobs, Repos: engine, ServerKeys: []string{"rotation"}}
}

func (w *world) network() *Network {
	return &Network{URL: w.url, HTTP: w.http, Logger: slog.New(slog.DiscardHandler)}
}

func (w *world) key(ctx context.Context, did syntax.DID, _ bool) (atcrypto.PublicKey, error) {
	return w.ring.Public(ctx, did.String())
}

func (w *world) mirror(t testing.TB, source Source, to Bucket) *Mirror {
	t.Helper()
	m, err := New(Config{
		Source: source, To: to, Origin: w.url, Keys: w.key, SpillDir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	return m
}

func newDir(t testing.TB) *Dir {
	t.Helper()
	d, err := CreateDir(t.TempDir())
	check(t, err)
	return d
}

// user is somebody who has an account.
type user struct {
	world  *world
	name   string
	did    syntax.DID
	access string
}

func (w *world) do(ctx context.Context, authorization, method, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/xrpc/"+method, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", method, res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func (w *world) call(t testing.TB, authorization, method string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	check(t, err)
	check(t, w.do(t.Context(), authorization, method, "application/json", bytes.NewReader(body), out))
}

type object = map[string]any

func (w *world) signUp(t testing.TB, name string) *user {
	t.Helper()
	u := &user{world: w, name: name}
	var out struct {
		DID       syntax.DID
		AccessJWT string
	}
	w.call(t, "", "com.atproto.server.createAccount",
		object{"handle": name + ".test", "email": name + "@example.com", "password": name + "-password"}, &out)
	u.did, u.access = out.DID, "Bearer "+out.AccessJWT
	return u
}

func (u *user) put(t testing.TB, rkey string, record object) {
	t.Helper()
	u.world.call(t, u.access, "com.atproto.repo.putRecord",
		object{"repo": u.did, "collection": post, "rkey": rkey, "record": record}, nil)
}

func (u *user) delete(t testing.TB, rkey string) {
	t.Helper()
	u.world.call(t, u.access, "com.atproto.repo.deleteRecord", object{"repo": u.did, "collection": post, "rkey": rkey}, nil)
}

// attach puts a record that refers to a new blob.
func (u *user) attach(t testing.TB, rkey, content string) cid.Cid {
	t.Helper()
	var out struct {
		Blob struct {
			Type     string            `json:"$type"`
			Ref      map[string]string `json:"ref"`
			MIMEType string            `json:"mimeType"`
			Size     int64             `json:"size"`
		}
	}
	check(t, u.world.do(t.Context(), u.access, "com.atproto.repo.uploadBlob", "text/plain", bytes.NewReader([]byte(content)), &out))
	u.put(t, rkey, object{"text": content, "file": out.Blob})
	c, err := cid.Decode(out.Blob.Ref["$link"])
	check(t, err)
	return c
}

const adminAuth = "Basic YWRtaW46YWRtaW4tcGFzc3dvcmQ="

func (u *user) takedown(t testing.TB) {
	t.Helper()
	u.world.call(t, adminAuth, "com.atproto.admin.updateSubjectStatus", object{
		"subject":  object{"$type": "com.atproto.admin.defs#repoRef", "did": u.did},
		"takedown": object{"applied": true, "ref": "case-1"},
	}, nil)
}

func (u *user) deactivate(t testing.TB) {
	t.Helper()
	u.world.call(t, u.access, "com.atproto.server.deactivateAccount", object{}, nil)
}

func (u *user) remove(t testing.TB) {
	t.Helper()
	u.world.call(t, adminAuth, "com.atproto.admin.deleteAccount", object{"did": u.did}, nil)
}

func (u *user) rename(t testing.TB, name string) {
	t.Helper()
	u.world.call(t, u.access, "com.atproto.identity.updateHandle", object{"handle": name + ".test"}, nil)
}

// work does something at random.
func (u *user) work(t testing.TB, r *rand.Rand, i int) {
	t.Helper()
	rkey := fmt.Sprintf("key%02d", r.IntN(12))
	switch r.IntN(8) {
	case 0:
		u.delete(t, rkey)
	case 1:
		u.attach(t, rkey, fmt.Sprintf("blob %d of %s", i, u.name))
	default:
		u.put(t, rkey, object{"text": fmt.Sprintf("%d by %s", i, u.name)})
	}
}

// restored is what Restore has made of a bucket.
type restored struct {
	Restored
	store storage.Store
	blobs storage.Blobs
}

func restore(t testing.TB, from Bucket) restored {
	t.Helper()
	out := restored{store: memory.New(), blobs: memory.NewBlobs()}
	var err error
	out.Restored, err = Restore(t.Context(), RestoreConfig{
		From: from, Store: out.store, Blobs: out.blobs, SpillDir: t.TempDir(),
		Damaged: func(d *Damage) { t.Errorf("damaged: %v", d) },
	})
	check(t, err)
	return out
}

// rows are what a store has of an account.
type rows struct {
	Account storage.Account
	Key     string

	Preferences string
	TakenDown   []storage.Blob

	Head    storage.Head
	Stats   storage.RepoStats
	Records []storage.Record
	Blobs   map[string]string // content with MIME type by CID
}

func (w *world) rows(t testing.TB, store storage.Store, blobs storage.Blobs, public bool) map[syntax.DID]rows {
	t.Helper()
	ctx := t.Context()
	engine, err := pdsrepo.New(pdsrepo.Config{Store: store, Signer: w.ring})
	check(t, err)
	all := make(map[syntax.DID]rows)
	for h, err := range store.ListAccounts(ctx, 0, 10_000) {
		check(t, err)
		key, err := w.ring.Public(ctx, h.DID.String())
		check(t, err)
		check(t, engine.Verify(ctx, h.DID, key))
		r := rows{Account: h.Account, Head: h.Head, Blobs: make(map[string]string)}
		r.Account.ID = 0
		sealed, err := store.Document(ctx, storage.KindKey, h.DID.String())
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Fatal(err)
		}
		r.Key = string(sealed.Value)
		preferences, err := store.Document(ctx, storage.KindPreferences, h.DID.String())
		if !errors.Is(err, storage.ErrNotFound) {
			check(t, err)
		}
		r.Preferences = string(preferences.Value)
		for taken, err := range store.ListTakedowns(ctx, h.DID) {
			check(t, err)
			if taken.Path != "" { // its record has it
				continue
			}
			b, err := store.Blob(ctx, h.DID, taken.Blob)
			check(t, err)
			b.CreatedAt = time.Time{}
			r.TakenDown = append(r.TakenDown, b)
		}
		if public {
			r.Key, r.Account = "", storage.Account{DID: h.DID, Handle: h.Handle, TakedownRef: string(h.Status())}
		}
		r.Stats, err = store.Stats(ctx, h.DID)
		check(t, err)
		for rec, err := range store.Records(ctx, h.DID, storage.RecordRange{}) {
			check(t, err)
			rec.Rev = "" // of the newest commit, once it's restored
			r.Records = append(r.Records, rec)
		}
		for ref, err := range store.ListBlobs(ctx, h.DID, storage.BlobRange{Limit: 10_000}) {
			check(t, err)
			c := ref.CID
			blob, err := store.Blob(ctx, h.DID, c)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			check(t, err)
			f, err := blobs.Open(ctx, storage.BlobID{DID: h.DID, CID: c})
			check(t, err)
			content, err := io.ReadAll(f)
			check(t, errors.Join(err, f.Close()))
			r.Blobs[c.String()] = fmt.Sprintf("%s %d %s", blob.MIMEType, blob.Size, content)
		}
		all[h.DID] = r
	}
	return all
}

var compareCIDs = cmp.Comparer(func(a, b cid.Cid) bool { return a == b })

// same fails the test unless a restored store has just what the world has.
func (w *world) same(t testing.TB, got restored, public bool) {
	t.Helper()
	want := w.rows(t, w.store, w.blobs, public)
	have := w.rows(t, got.store, got.blobs, public)
	if diff := cmp.Diff(want, have, compareCIDs); diff != "" {
		t.Errorf("what was restored differs (-source +restored):\n%s", diff)
	}
	if len(want) == 0 {
		t.Error("there are no accounts")
	}
}

// intact fails the test if Check finds anything wrong.
func intact(t testing.TB, b Bucket) Summary {
	t.Helper()
	s, err := Check(t.Context(), CheckConfig{
		From: b, SpillDir: t.TempDir(), Damaged: func(d *Damage) { t.Errorf("damaged: %v", d) },
	})
	check(t, err)
	return s
}

// restart serves the world's stores anew.
func (w *world) restart(t testing.TB) *world {
	t.Helper()
	out := *w
	ring, err := keys.New(keys.Config{Store: w.store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	check(t, err)
	out.ring = ring
	rotation, err := ring.Signer(t.Context(), "rotation")
	check(t, err)
	front := httptest.NewUnstartedServer(nil)
	out.url = "http://" + front.Listener.Addr().String()
	out.Server, err = pds.New(pds.Config{
		Store: w.store, Blobs: w.blobs, PublicURL: out.url, HandleDomains: []string{".test"},
		TokenSecret: []byte("a secret that only tests know"), Keys: ring, RotationKey: rotation, PLCURL: w.plc, Development: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	front.Config.Handler = out.Server
	front.Start()
	t.Cleanup(front.Close)
	return &out
}

// mustLink is some link.
func mustLink(t testing.TB) lexutil.LexLink {
	t.Helper()
	c, err := cid.Decode("bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq")
	check(t, err)
	return lexutil.LexLink(c)
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
