package backup

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	appbsky "github.com/bluesky-social/indigo/api/bsky"
	"github.com/bluesky-social/indigo/atproto/atcrypto"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// FuzzRoundTrip: what createRecord accepts can be read back, exported, imported elsewhere,
// mirrored, restored into an empty store, and decoded from its event, and is the same JSON
// everywhere. What it refuses leaves nothing behind.
func FuzzRoundTrip(f *testing.F) {
	trip := newTrip(f)
	for _, record := range oddRecords(trip.blob) {
		f.Add([]byte(record))
	}
	f.Fuzz(func(t *testing.T, record []byte) { trip.run(t, record) })
}

// oddRecords are records that some part of the way has, or could have, a mind of its own about.
func oddRecords(blob string) []string {
	link := `{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}`
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1)
	}
	list := func(levels int) string {
		return `{"a":` + strings.Repeat(`[`, levels-1) + strings.Repeat(`]`, levels-1) + `}`
	}
	return []string{
		`{}`, `{"$type":"com.example.note"}`, `{"$type":"com.example.other"}`, `{"$type":""}`, `{"$type":1}`, `null`, `[]`, `1`,
		nested(31), nested(32), nested(33), nested(34), list(31), list(32), list(33), nested(64), nested(65),
		`{"a":[` + nested(30) + `,` + link + `]}`,
		`{"n":[0,-0,1,-1,23,24,255,256,65535,65536,4294967295,4294967296,9007199254740991,-9007199254740991]}`,
		`{"n":9007199254740992}`, `{"n":-9007199254740992}`, `{"n":9007199254740993}`, `{"n":9223372036854775807}`,
		`{"n":18446744073709551615}`, `{"n":1.0}`, `{"n":1e3}`, `{"n":0.1}`, `{"n":1.00000000000000000001}`, `{"n":1e400}`,
		`{"n":0e99999999999}`, `{"n":120e-1}`, `{"n":1e-99999999}`, `{"n":-0.0}`,
		`{"s":"\u0000\u001f\"\\\/\b\f\n\r\t\u2028é👩‍👩‍👧"}`, `{"s":"\ud83d\ude00"}`, `{"s":"\ud83d"}`, `{"s":"\ude00"}`, `{"s":"\\ud83d"}`,
		"{\"s\":\"\xff\"}", `{"\ud83d":1}`, "{\"\xff\":1}", `{"s":"\ufffd"}`, `{"s":"<>&"}`,
		`{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`, `{"aa":1,"b":2,"A":3,"":4}`, `{"text":1,"Text":2,"TEXT":3}`,
		`{"a":null,"b":true,"c":false,"d":[],"e":{},"f":"","g":[null,[null]]}`, `{"__proto__":1}`, `{"constructor":1,"toString":2}`,
		`{"l":` + link + `}`, `{"l":{"$link":"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnzXAR"}}`, `{"l":{"$link":"zdpuAyvkgEDQm9TenwGkd5eNaosSxjgEYd8QatfPetgB1CdEZ"}}`,
		`{"l":{"$link":"BAFYREIDFAYVFUWQA7QLNOPDJIQRXZS6BLMOEU4RUJCJTNCI5BELUDIRZ2A"}}`, `{"l":{"$link":"bafkqaaa"}}`,
		`{"l":{"$link":"/ipfs/bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}}`, `{"l":{"$link":""}}`, `{"l":{"$link":1}}`,
		`{"l":{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a","x":1}}`, `{"$link":"x"}`, `{"$bytes":"x"}`,
		`{"b":{"$bytes":""}}`, `{"b":{"$bytes":"AA"}}`, `{"b":{"$bytes":"AA=="}}`, `{"b":{"$bytes":"QR"}}`, `{"b":{"$bytes":"123"}}`, `{"b":{"$bytes":"Q\nQ"}}`, `{"b":{"$bytes":"-_"}}`,
		`{"file":` + blob + `}`, strings.Replace(`{"file":`+blob+`}`, `"size"`, `"x":1,"size"`, 1), `{"file":[` + blob + `,` + blob + `]}`,
		`{"file":{"$type":"blob","ref":` + link + `,"mimeType":"text/plain","size":1}}`, `{"file":{"$type":"blob"}}`, blob,
		`{"file":{"$type":"blob","ref":` + link + `,"mimeType":"text/plain","size":-1}}`, `{"file":{"$type":"blob","ref":"x","mimeType":1,"size":"x"}}`,
		`{"file":{"cid":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity","mimeType":"image/png"}}`,
		`{"cid":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity","mimeType":"image/png"}`,
		`{"file":{"cid":` + link + `,"mimeType":"image/png"}}`, `{"cid":1,"mimeType":2}`, `{"o":{"$type":null}}`, `{"o":{"$type":"x"}}`,
		`{"subject":"did:plc:a"}`, `{"subject":{"uri":"at://did:plc:a/b/c","cid":"x"}}`, `{"createdAt":"never","text":5,"langs":{}}`,
	}
}

// hugeRecords would keep a fuzzer busy with their length.
func hugeRecords() []string {
	return []string{
		strings.Repeat(`{"a":`, 9000) + `{}` + strings.Repeat(`}`, 9000),
		`{"` + strings.Repeat("k", 8192) + `":1}`, `{"` + strings.Repeat("k", 8193) + `":1}`, `{"s":"` + strings.Repeat("v", 70000) + `"}`,
		`{"a":[` + strings.Repeat("0,", 70000) + `0]}`, `{"a":[` + strings.Repeat("0,", 131072) + `0]}`, `{"n":[` + strings.Repeat("1e15,", 150000) + `0]}`,
	}
}

// TestRoundTripHuge takes large records on the way that [FuzzRoundTrip] takes small ones on.
func TestRoundTripHuge(t *testing.T) {
	trip := newTrip(t)
	for _, record := range hugeRecords() {
		trip.run(t, []byte(record))
	}
}

// trip is a server with an account, the mirror of it, and another server that its repo is imported
// into.
type trip struct {
	*world
	user   *user
	blob   string // JSON of one that the account has
	mirror *Mirror
	bucket *memoryBucket

	elsewhere *pdsrepo.Engine
	imports   storage.Store // of elsewhere
}

func newTrip(t testing.TB) *trip {
	w := newWorld(t)
	trip := &trip{world: w, user: w.signUp(t, "alice"), bucket: &memoryBucket{objects: map[string][]byte{}}}
	trip.user.attach(t, "keep", "a file")
	kept, err := w.Repo(trip.user.did).Get(t.Context(), post, "keep")
	check(t, err)
	blob, err := json.Marshal(kept.Value["file"])
	check(t, err)
	trip.blob = string(blob)
	trip.mirror, err = New(Config{
		Source: w.local(), To: trip.bucket, Origin: w.url, Keys: w.key, SpillDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	key, err := atcrypto.GeneratePrivateKeyK256()
	check(t, err)
	trip.imports = memory.New()
	trip.elsewhere, err = pdsrepo.New(pdsrepo.Config{Store: trip.imports, Signer: signer{key}})
	check(t, err)
	commit, err := trip.elsewhere.Genesis(t.Context(), trip.user.did)
	check(t, err)
	_, err = trip.imports.CreateAccount(t.Context(), storage.NewAccount{
		Account: storage.Account{DID: trip.user.did}, Commit: commit,
	})
	check(t, err)
	return trip
}

const tripPath = post + "/trip"

func (w *trip) run(t *testing.T, record []byte) {
	if !json.Valid(record) {
		return // it would break the request
	}
	before, err := w.store.Head(t.Context(), w.user.did)
	check(t, err)
	seq, err := w.store.LastSeq(t.Context())
	check(t, err)
	status, answer := w.request(t, http.MethodPost, "com.atproto.repo.createRecord",
		fmt.Sprintf(`{"repo":%q,"collection":%q,"rkey":"trip","record":%s}`, w.user.did, post, record))
	if status != http.StatusOK {
		w.refused(t, status, answer, before, seq)
		return
	}
	want := canonical(t, record)
	if object, ok := want.(map[string]any); ok && object["$type"] == nil {
		object["$type"] = post
	}
	stored, err := w.store.Record(t.Context(), w.user.did, tripPath)
	check(t, err)
	check(t, data.Check(stored.Bytes))
	w.read(t, want)
	w.imported(t, want, stored)
	w.restored(t, want, stored)
	w.event(t, want, stored, seq)
	check(t, w.Repo(w.user.did).Delete(t.Context(), post, "trip"))
}

// request calls a method in process.
func (w *trip) request(t *testing.T, verb, method, body string) (status int, answer []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), verb, w.url+"/xrpc/"+method, strings.NewReader(body))
	r.Header.Set("Authorization", w.user.access)
	if verb == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.Bytes()
}

// refused: the client is told, and nothing is stored.
func (w *trip) refused(t *testing.T, status int, answer []byte, before storage.Head, seq int64) {
	t.Helper()
	var e struct{ Error string }
	if err := json.Unmarshal(answer, &e); err != nil || status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge {
		t.Errorf("refused with status %d, %q", status, answer)
	}
	names := []string{"InvalidRequest", "BlobNotFound", "InvalidMimeType", "InvalidSize", "PayloadTooLarge"}
	if !slices.Contains(names, e.Error) {
		t.Errorf("refused with the name %q", e.Error)
	}
	after, err := w.store.Head(t.Context(), w.user.did)
	check(t, err)
	last, err := w.store.LastSeq(t.Context())
	check(t, err)
	if after.Commit != before.Commit || last != seq {
		t.Errorf("refused with %q, and yet the head is %s after %s, and the log ends with %d after %d",
			answer, after.Commit, before.Commit, last, seq)
	}
}

// read reads the record over HTTP and from Go.
func (w *trip) read(t *testing.T, want any) {
	t.Helper()
	status, answer := w.request(t, http.MethodGet, "com.atproto.repo.getRecord?repo="+w.user.did.String()+
		"&collection="+post+"&rkey=trip", "")
	var got struct{ Value json.RawMessage }
	if err := json.Unmarshal(answer, &got); err != nil || status != http.StatusOK {
		t.Fatalf("getRecord: %d %.1000s: %v", status, answer, err)
	}
	same(t, "getRecord", want, got.Value)
	record, err := w.Repo(w.user.did).Get(t.Context(), post, "trip")
	check(t, err)
	encoded, err := json.Marshal(record.Value)
	check(t, err)
	same(t, "Repo.Get", want, encoded)
}

// imported exports the repo and imports it elsewhere.
func (w *trip) imported(t *testing.T, want any, stored storage.Record) {
	t.Helper()
	status, car := w.request(t, http.MethodGet, "com.atproto.sync.getRepo?did="+w.user.did.String(), "")
	if status != http.StatusOK {
		t.Fatalf("getRepo: %d %s", status, car)
	}
	key, err := w.key(t.Context(), w.user.did, false)
	check(t, err)
	_, err = w.elsewhere.Import(t.Context(), w.user.did, bytes.NewReader(car), pdsrepo.ImportOptions{CheckKey: key})
	check(t, err)
	sameRow(t, "imported", want, stored, w.imports, w)
}

// restored mirrors what is new, and restores it.
func (w *trip) restored(t *testing.T, want any, stored storage.Record) {
	t.Helper()
	check(t, w.mirror.Sync(t.Context()))
	store := memory.New()
	done, err := Restore(t.Context(), RestoreConfig{
		From: w.bucket, Store: store, Blobs: memory.NewBlobs(), SpillDir: w.mirror.config.SpillDir,
		Damaged: func(d *Damage) { t.Errorf("damaged: %v", d) },
	})
	check(t, err)
	if done.Accounts != 1 || done.Damaged != 0 {
		t.Errorf("restored: %+v", done)
	}
	sameRow(t, "restored", want, stored, store, w)
}

func sameRow(t *testing.T, what string, want any, stored storage.Record, store storage.Store, w *trip) {
	t.Helper()
	row, err := store.Record(t.Context(), w.user.did, tripPath)
	check(t, err)
	if row.CID != stored.CID || !bytes.Equal(row.Bytes, stored.Bytes) {
		t.Errorf("%s: %x, want %x", what, row.Bytes, stored.Bytes)
	}
	text, err := data.AppendJSON(nil, row.Bytes)
	check(t, err)
	same(t, what, want, text)
}

// event decodes the event of the write in every way.
func (w *trip) event(t *testing.T, want any, stored storage.Record, seq int64) {
	t.Helper()
	for e, err := range w.Events(t.Context(), seq) {
		check(t, err)
		op := &e.Commit.Ops[0]
		value, err := op.Value()
		check(t, err)
		text, err := json.Marshal(value)
		check(t, err)
		same(t, "Op.Value", want, text)
		var raw json.RawMessage
		check(t, op.Decode(&raw))
		same(t, "Op.Decode", want, raw)
		bytesOf, err := op.Record()
		check(t, err)
		if op.Action != firehose.Create || !bytes.Equal(bytesOf, stored.Bytes) {
			t.Errorf("the event has %s %x, want %x", op.Action, bytesOf, stored.Bytes)
		}
		op.Decode(new(appbsky.FeedPost)) // which it may not fit
		return
	}
}

// same compares JSON by what it says.
func same(t *testing.T, what string, want any, text []byte) {
	t.Helper()
	if got := canonical(t, text); !reflect.DeepEqual(want, got) {
		t.Fatalf("%s: %.1000s, want %.1000v", what, text, want)
	}
}

// canonical decodes JSON, and gives equal numbers the same form.
func canonical(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	check(t, d.Decode(&v))
	return canonicalNumbers(v)
}

func canonicalNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e"); strings.Trim(mantissa, "-0.") == "" {
			return "number 0" // whatever its exponent, which Rat would have to be spared
		}
		r, _ := new(big.Rat).SetString(string(v))
		return "number " + r.RatString()
	case []any:
		for i := range v {
			v[i] = canonicalNumbers(v[i])
		}
	case map[string]any:
		if s, ok := v["$bytes"].(string); ok && len(v) == 1 { // the last letter has bits to spare
			b, err := base64.RawStdEncoding.DecodeString(s)
			return fmt.Sprintf("bytes %x %v", b, err)
		}
		for name := range v {
			v[name] = canonicalNumbers(v[name])
		}
	}
	return v
}

// memoryBucket is a Bucket in memory.
type memoryBucket struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (b *memoryBucket) Put(_ context.Context, name string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[name] = content
	return nil
}

func (b *memoryBucket) Open(_ context.Context, name string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.objects[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (b *memoryBucket) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name := range b.objects {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return func(yield func(string, error) bool) {
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

func (b *memoryBucket) Delete(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, name)
	return nil
}
