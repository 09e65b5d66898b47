package pds_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

func pngBytes(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type blobRef struct {
	Type     string            `json:"$type"`
	Ref      map[string]string `json:"ref"`
	MIMEType string            `json:"mimeType"`
	Size     int64             `json:"size"`
}

func (u *user) upload(t testing.TB, contentType string, body []byte) (blobRef, *response) {
	t.Helper()
	r := u.world.do(t, "POST", "/xrpc/com.atproto.repo.uploadBlob", u.access, contentType, bytes.NewReader(body))
	var out struct{ Blob blobRef }
	if r.status == 200 {
		r.decode(t, &out)
	}
	return out.Blob, r
}

func (u *user) embed(t testing.TB, rkey string, blob blobRef) *response {
	t.Helper()
	return u.post(t, "com.atproto.repo.putRecord", map[string]any{
		"repo": u.did, "collection": posts, "rkey": rkey, "record": map[string]any{"image": blob},
	})
}

func (u *user) blob(t testing.TB, token string, b blobRef) *response {
	t.Helper()
	return u.world.get(t, token, "com.atproto.sync.getBlob", "did", u.did.String(), "cid", b.Ref["$link"])
}

func TestBlobs(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	image := pngBytes(t)
	blob, r := alice.upload(t, "text/plain", image)
	if r.status != 200 || blob.Type != "blob" || blob.MIMEType != "image/png" || blob.Size != int64(len(image)) {
		t.Fatalf("uploading gave %s", r)
	}
	alice.blob(t, "", blob).refused(t, 400, "BlobNotFound", "") // it is temporary
	if got := alice.blob(t, alice.access, blob); got.status != 200 {
		t.Errorf("the owner can't see an upload: %s", got)
	}

	wrong := blob
	wrong.MIMEType = "image/jpeg"
	alice.embed(t, "a", wrong).refused(t, 400, "InvalidMimeType", "image/png")
	wrong = blob
	wrong.Size++
	alice.embed(t, "a", wrong).refused(t, 400, "InvalidSize", "")
	bob := w.signUp(t, "bobby")
	bob.embed(t, "a", blob).refused(t, 400, "BlobNotFound", "")
	alice.embed(t, "a", blob).decode(t, nil)

	got := alice.blob(t, "", blob)
	if got.status != 200 || !bytes.Equal(got.body, image) {
		t.Fatalf("getBlob: %d, %d bytes", got.status, len(got.body))
	}
	for name, want := range map[string]string{
		"Content-Type":            "image/png",
		"Content-Length":          fmt.Sprint(len(image)),
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition":     `attachment; filename="` + blob.Ref["$link"] + `"`,
		"Etag":                    `"` + blob.Ref["$link"] + `"`,
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
	w.get(t, "", "com.atproto.sync.getBlob", "did", alice.did.String(), "cid", "nonsense").refused(t, 400, "InvalidRequest", "cid")

	var list struct{ CIDs []string }
	w.get(t, "", "com.atproto.sync.listBlobs", "did", alice.did.String()).decode(t, &list)
	if len(list.CIDs) != 1 || list.CIDs[0] != blob.Ref["$link"] {
		t.Errorf("listBlobs: %v", list)
	}
}

func TestBlobRange(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	blob, _ := alice.upload(t, "text/vtt", []byte("WEBVTT 0123456789"))
	if blob.MIMEType != "text/vtt" {
		t.Errorf("what only the client can know became %s", blob.MIMEType)
	}
	alice.embed(t, "a", blob).decode(t, nil)
	for _, test := range []struct {
		name, header, value string
		status              int
		body                string
	}{
		{"a range", "Range", "bytes=7-9", 206, "012"},
		{"the end", "Range", "bytes=-2", 206, "89"},
		{"beyond the end", "Range", "bytes=100-", 416, ""},
		{"what the client has", "If-None-Match", `"` + blob.Ref["$link"] + `"`, 304, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET",
			w.url+"/xrpc/com.atproto.sync.getBlob?did="+alice.did.String()+"&cid="+blob.Ref["$link"], nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(test.header, test.value)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		body.ReadFrom(res.Body)
		res.Body.Close()
		if res.StatusCode != test.status || test.body != "" && body.String() != test.body {
			t.Errorf("%s: %d %q", test.name, res.StatusCode, &body)
		}
	}
}

func TestBlobLimit(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.MaxBlob = 1000 })
	alice := w.signUp(t, "alice")
	_, r := alice.upload(t, "image/png", make([]byte, 1001))
	r.refused(t, 413, "PayloadTooLarge", "1000")
	// without a Content-Length it is noticed on the way
	r = w.do(t, "POST", "/xrpc/com.atproto.repo.uploadBlob", alice.access, "image/png",
		struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 5000))})
	r.refused(t, 413, "PayloadTooLarge", "1000")
	if _, r := alice.upload(t, "image/png", make([]byte, 1000)); r.status != 200 {
		t.Errorf("a blob at the limit: %s", r)
	}
	_, r = alice.upload(t, "image/png", nil)
	r.refused(t, 400, "InvalidRequest", "body is expected")
	w.do(t, "POST", "/xrpc/com.atproto.repo.uploadBlob", "", "image/png", strings.NewReader("x")).refused(t, 401, "AuthMissing", "")
}

// Blobs that nothing refers to any more are deleted at the next upkeep, those never referred to after a day.
func TestBlobsAreRemoved(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := start(t, withClock(&now))
	alice := w.signUp(t, "alice")
	var blobs [3]blobRef
	for i := range blobs {
		blobs[i], _ = alice.upload(t, "text/plain", []byte{byte('a' + i)})
	}
	dropped, used, unused := blobs[0], blobs[1], blobs[2]
	alice.embed(t, "dropped", dropped).decode(t, nil)
	alice.embed(t, "used", used).decode(t, nil)
	alice.embed(t, "dropped", used).decode(t, nil)

	expect := func(when string, want map[string]int) {
		t.Helper()
		w.Upkeep(t.Context())
		for name, b := range map[string]blobRef{"dropped": dropped, "used": used, "unused": unused} {
			if got := alice.blob(t, alice.access, b).status; got != want[name] {
				t.Errorf("%s: the %s blob answers %d, want %d", when, name, got, want[name])
			}
		}
	}
	expect("at once", map[string]int{"dropped": 400, "used": 200, "unused": 200})
	now = now.Add(25 * time.Hour)
	alice = w.login(t, alice)
	expect("a day later", map[string]int{"dropped": 400, "used": 200, "unused": 400})
	alice.embed(t, "again", unused).refused(t, 400, "BlobNotFound", "")
	if _, r := alice.upload(t, "text/plain", []byte("c")); r.status != 200 {
		t.Errorf("uploading again: %s", r)
	}
	alice.embed(t, "again", unused).decode(t, nil)
}

// A cache that many people share gets nothing that not everybody may see.
func TestBlobCaching(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	blob, _ := alice.upload(t, "text/plain", []byte("a"))
	control := func(r *response) string {
		t.Helper()
		r.decode(t, nil)
		return r.header.Get("Cache-Control")
	}
	if got := control(alice.blob(t, alice.access, blob)); got != "private, no-store" {
		t.Errorf("a temporary blob: %q", got)
	}
	alice.embed(t, "a", blob).decode(t, nil)
	if got := control(alice.blob(t, "", blob)); !strings.HasPrefix(got, "public") {
		t.Errorf("a public blob: %q", got)
	}
	alice.post(t, "com.atproto.server.deactivateAccount", map[string]any{}).decode(t, nil)
	alice.blob(t, "", blob).refused(t, 400, "RepoDeactivated", "")
	if got := control(alice.blob(t, alice.access, blob)); got != "private, no-store" {
		t.Errorf("the blob of a deactivated account, for its owner: %q", got)
	}
	asAdmin := w.admin(t, "GET", "com.atproto.sync.getBlob?did="+alice.did.String()+"&cid="+blob.Ref["$link"], "")
	if got := control(asAdmin); got != "private, no-store" {
		t.Errorf("the blob of a deactivated account, for the operator: %q", got)
	}
}

// leaving keeps bytes of clients that have gone when they are stored.
type leaving struct {
	storage.Blobs
	leave func()
}

func (l *leaving) Put(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error) {
	defer l.leave()
	return l.Blobs.Put(ctx, did, r)
}

// There are no bytes without a row, which nobody would ever delete.
func TestUploadOfClientThatLeaves(t *testing.T) {
	blobs := &leaving{Blobs: memory.NewBlobs()}
	w := start(t, func(c *pds.Config) { c.Blobs = blobs })
	alice := w.signUp(t, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	blobs.leave = cancel
	req := httptest.NewRequestWithContext(ctx, "POST", "/xrpc/com.atproto.repo.uploadBlob", strings.NewReader("a"))
	req.Header.Set("Authorization", "Bearer "+alice.access)
	req.Header.Set("Content-Type", "text/plain")
	w.ServeHTTP(httptest.NewRecorder(), req)
	blobs.leave = func() {}

	id := blobID(t, alice, "a")
	if _, err := blobs.Open(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.config.Store.Blob(t.Context(), id.DID, id.CID); err != nil {
		t.Errorf("the bytes are there, but: %v", err)
	}
}

func blobID(t *testing.T, u *user, content string) storage.BlobID {
	t.Helper()
	mh, err := multihash.Sum([]byte(content), multihash.SHA2_256, -1)
	if err != nil {
		t.Fatal(err)
	}
	return storage.BlobID{DID: u.did, CID: cid.NewCidV1(cid.Raw, mh)}
}

// stuck keeps the bytes of some blobs for ever.
type stuck struct {
	storage.Blobs
	ids map[storage.BlobID]bool
}

func (s *stuck) Delete(ctx context.Context, id storage.BlobID) error {
	if s.ids[id] {
		return errors.New("it is stuck")
	}
	return s.Blobs.Delete(ctx, id)
}

// A blob that can't be removed isn't in the way of the others.
func TestBlobThatCannotBeRemoved(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	blobs := &stuck{Blobs: memory.NewBlobs()}
	w := start(t, withClock(&now), func(c *pds.Config) { c.Blobs = blobs })
	alice := w.signUp(t, "alice")
	var ids []storage.BlobID
	for _, text := range []string{"a", "b", "c"} {
		b, _ := alice.upload(t, "text/plain", []byte(text))
		ids = append(ids, storage.BlobID{DID: alice.did, CID: cid.MustParse(b.Ref["$link"])})
	}
	slices.SortFunc(ids, func(a, b storage.BlobID) int { return strings.Compare(a.CID.String(), b.CID.String()) })
	blobs.ids = map[storage.BlobID]bool{ids[0]: true}
	now = now.Add(25 * time.Hour)
	w.Upkeep(t.Context())
	for i, id := range ids {
		if b, err := blobs.Open(t.Context(), id); (err == nil) != (i == 0) {
			t.Errorf("blob %d: %v", i, err)
		} else if err == nil {
			b.Close()
		}
	}
	blobs.ids = nil
	w.Upkeep(t.Context())
	if _, err := blobs.Open(t.Context(), ids[0]); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the blob isn't removed when it can be: %v", err)
	}
}

// Neither are many, which fill the batches in which blobs are removed.
func TestManyBlobsThatCannotBeRemoved(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	blobs := &stuck{Blobs: memory.NewBlobs(), ids: map[storage.BlobID]bool{}}
	w := start(t, withClock(&now), func(c *pds.Config) { c.Blobs = blobs })
	alice := w.signUp(t, "alice")
	var others []storage.BlobID
	for i := range 270 {
		b, err := w.Repo(alice.did).PutBlob(t.Context(), "text/plain", strings.NewReader(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		if id := (storage.BlobID{DID: alice.did, CID: b.Ref.CID()}); i < 250 {
			blobs.ids[id] = true
		} else {
			others = append(others, id)
		}
	}
	now = now.Add(25 * time.Hour)
	w.Upkeep(t.Context())
	for i, id := range others {
		if _, err := blobs.Open(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("blob %d of %d: %v", i, len(others), err)
		}
	}
}

// The pictures of a profile that is older than their sizes are kept when it is changed.
func TestLegacyProfile(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	picture := alice.uploadImage(t)
	ref := cidOf(picture)
	old := object{"cid": ref, "mimeType": "image/png"}
	put := func(method string, record object) *response {
		in := object{"repo": alice.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": record}
		return alice.post(t, "com.atproto.repo."+method, in)
	}
	put("putRecord", object{"avatar": old}).refused(t, 400, "InvalidRequest", "")
	put("createRecord", object{"avatar": picture}).decode(t, nil)
	put("putRecord", object{"avatar": old, "banner": old, "displayName": "Alice"}).decode(t, nil)
	record, err := w.Repo(alice.did).Get(t.Context(), "app.bsky.actor.profile", "self")
	if err != nil {
		t.Fatal(err)
	}
	for _, property := range []string{"avatar", "banner"} {
		if blob, ok := record.Value[property].(atdata.Blob); !ok || blob.Ref.String() != ref || blob.Size <= 0 {
			t.Errorf("the %s is %v", property, record.Value[property])
		}
	}
	put("putRecord", object{"pinned": old}).refused(t, 400, "InvalidRequest", "Legacy blobs")
	old["cid"] = "bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
	put("putRecord", object{"avatar": old}).refused(t, 400, "BlobNotFound", "")
}
