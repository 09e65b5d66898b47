package pds_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// TestLexiconFixtures: upstream's valid and invalid records, written by a client.
func TestLexiconFixtures(t *testing.T) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bluesky-social/indigo").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(module)), "atproto", "lexicon", "testdata")
	w := start(t, func(c *pds.Config) {
		c.Lexicons = os.DirFS(filepath.Join(dir, "catalog"))
		c.OfflineLexicons = true
	})
	alice := w.signUp(t, "alice")
	for file, valid := range map[string]bool{"record-data-valid.json": true, "record-data-invalid.json": false} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Name, RKey string
			Data       json.RawMessage
		}
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		for _, fixture := range list {
			put := func(validate any) *response {
				in := map[string]any{
					"repo": alice.did, "collection": "example.lexicon.record", "rkey": fixture.RKey, "record": fixture.Data,
				}
				if validate != nil {
					in["validate"] = validate
				}
				return alice.post(t, "com.atproto.repo.putRecord", in)
			}
			for _, validate := range []any{nil, true} {
				switch r := put(validate); {
				case !valid:
					r.refused(t, 400, "InvalidRequest", "Invalid ")
				case strings.Contains(string(fixture.Data), `"$type": "blob"`):
					r.refused(t, 400, "BlobNotFound", "") // it is valid, but nobody has uploaded the blob
				default:
					var out struct{ ValidationStatus string }
					if r.decode(t, &out); out.ValidationStatus != "valid" {
						t.Errorf("%s: %s", fixture.Name, r)
					}
				}
			}
		}
	}
}

// TestValidation: what becomes of records whose client demands validation, declines it, or says nothing.
func TestValidation(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.OfflineLexicons = true })
	alice := w.signUp(t, "alice")
	const profile, thing = "app.bsky.actor.profile", "com.example.thing"
	good, bad := map[string]any{"displayName": "Alice"}, map[string]any{"displayName": 1}
	for _, c := range []struct {
		collection string
		record     map[string]any
		validate   any
		status     string // "-" for a refusal
		message    string
	}{
		{profile, good, nil, "valid", ""},
		{profile, good, true, "valid", ""},
		{profile, good, false, "", ""},
		{profile, bad, nil, "-", "Invalid app.bsky.actor.profile record: record.displayName: "},
		{profile, bad, true, "-", "Invalid app.bsky.actor.profile record: record.displayName: "},
		{profile, bad, false, "", ""},
		{thing, good, nil, "unknown", ""},
		{thing, good, true, "-", "Unknown lexicon type: com.example.thing"},
		{thing, good, false, "", ""},
	} {
		in := func(more map[string]any) map[string]any {
			more["repo"] = alice.did
			if c.validate != nil {
				more["validate"] = c.validate
			}
			return more
		}
		responses := map[string]*response{
			"putRecord": alice.post(t, "com.atproto.repo.putRecord", in(map[string]any{
				"collection": c.collection, "rkey": "self", "record": c.record,
			})),
			"applyWrites": alice.post(t, "com.atproto.repo.applyWrites", in(map[string]any{"writes": []any{map[string]any{
				"$type": "com.atproto.repo.applyWrites#update", "collection": c.collection, "rkey": "self", "value": c.record,
			}}})),
		}
		alice.post(t, "com.atproto.repo.deleteRecord", map[string]any{"repo": alice.did, "collection": c.collection, "rkey": "self"})
		responses["createRecord"] = alice.post(t, "com.atproto.repo.createRecord", in(map[string]any{
			"collection": c.collection, "rkey": "self", "record": c.record,
		}))
		for method, r := range responses {
			if c.status == "-" {
				r.refused(t, 400, "InvalidRequest", c.message)
				continue
			}
			var out struct {
				ValidationStatus string
				Results          []struct{ ValidationStatus string }
			}
			if method == "applyWrites" && r.name() == "InvalidRequest" && strings.Contains(string(r.body), "Could not find record") {
				continue
			}
			r.decode(t, &out)
			if len(out.Results) == 1 {
				out.ValidationStatus = out.Results[0].ValidationStatus
			}
			if out.ValidationStatus != c.status {
				t.Errorf("%s of %v to %s, validate %v: %s", method, c.record, c.collection, c.validate, r)
			}
		}
	}
}

// TestRecordKeys: a record's key is as its lexicon says, one that the server makes included.
func TestRecordKeys(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	create := func(collection, rkey string, record map[string]any) *response {
		in := map[string]any{"repo": alice.did, "collection": collection, "record": record}
		if rkey != "" {
			in["rkey"] = rkey
		}
		return alice.post(t, "com.atproto.repo.createRecord", in)
	}
	like := map[string]any{"createdAt": "2026-01-02T03:04:05Z", "subject": map[string]any{
		"uri": "at://did:plc:a/app.bsky.feed.post/a", "cid": "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq",
	}}
	create("app.bsky.feed.like", "", like).decode(t, nil)
	create("app.bsky.feed.like", "self", like).refused(t, 400, "InvalidRequest", "Invalid record key for app.bsky.feed.like: ")
	create("app.bsky.actor.profile", "", nil).refused(t, 400, "InvalidRequest", "")
	create("app.bsky.actor.profile", "", map[string]any{}).refused(t, 400, "InvalidRequest", "must be self")
	create("app.bsky.actor.profile", "self", map[string]any{}).decode(t, nil)
}

// TestRepoValidates: records that the host writes keep the same rules.
func TestRepoValidates(t *testing.T) {
	w := start(t)
	alice := w.signUp(t, "alice")
	var refused *xrpc.Error
	_, _, err := w.Repo(alice.did).Put(t.Context(), "app.bsky.actor.profile", "self", map[string]any{"displayName": 1})
	if !errors.As(err, &refused) || refused.Name != "InvalidRequest" {
		t.Errorf("got %v", err)
	}
}

// TestResolveLexicon: a lexicon that an account of the server publishes is found by way of the network.
func TestResolveLexicon(t *testing.T) {
	publisher := start(t).signUp(t, "publisher")
	publish := map[string]any{
		"repo": publisher.did, "collection": "com.atproto.lexicon.schema", "rkey": "com.example.thing",
		"record": map[string]any{"lexicon": 1, "id": "com.example.thing", "defs": map[string]any{"main": map[string]any{
			"type": "record", "key": "any", "record": map[string]any{
				"type": "object", "required": []string{"name"}, "properties": map[string]any{"name": map[string]any{"type": "string"}},
			},
		}}},
	}
	var published struct{ URI, CID, ValidationStatus string }
	publisher.post(t, "com.atproto.repo.createRecord", publish).decode(t, &published)
	if published.ValidationStatus != "valid" {
		t.Errorf("publishing gave %+v", published)
	}

	w := start(t, func(c *pds.Config) {
		c.PLCURL = publisher.world.directory.URL
		c.LexiconAuthority = publisher.did
	})
	var resolved struct {
		URI, CID string
		Schema   map[string]any
	}
	w.get(t, "", "com.atproto.lexicon.resolveLexicon", "nsid", "com.example.thing").decode(t, &resolved)
	if resolved.URI != published.URI || resolved.CID != published.CID || resolved.Schema["id"] != "com.example.thing" {
		t.Errorf("got %+v, want %+v", resolved, published)
	}
	w.get(t, "", "com.atproto.lexicon.resolveLexicon", "nsid", "com.example.nothing").refused(t, 400, "LexiconNotFound", "")
	w.get(t, "", "com.atproto.lexicon.resolveLexicon", "nsid", "nonsense").refused(t, 400, "InvalidRequest", "")

	alice := w.signUp(t, "alice")
	create := func(record map[string]any) *response {
		return alice.post(t, "com.atproto.repo.createRecord", map[string]any{
			"repo": alice.did, "collection": "com.example.thing", "record": record, "validate": true,
		})
	}
	create(map[string]any{"name": "a"}).decode(t, nil)
	create(map[string]any{}).refused(t, 400, "InvalidRequest", "record.name: is required")
}

// TestLexiconsOff: with resolution switched off there is nothing to resolve lexicons by.
func TestLexiconsOff(t *testing.T) {
	w := start(t, func(c *pds.Config) { c.OfflineLexicons = true })
	for _, m := range w.Methods() {
		if strings.HasPrefix(m.ID.String(), "com.atproto.lexicon.") {
			t.Errorf("%s is there", m.ID)
		}
	}
}

// TestBrokenLexicons: a file that isn't a lexicon is found out at the start.
func TestBrokenLexicons(t *testing.T) {
	config := start(t).config
	config.Lexicons = fstest.MapFS{"broken.json": {Data: []byte(`{}`)}}
	if _, err := pds.New(config); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("got %v", err)
	}
}
