package lexicon_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
)

const post = `{
	"$type": "app.bsky.feed.post",
	"text": "Hello, @alice.test and everybody else! A post of the usual length, with two facets and an image.",
	"langs": ["en"],
	"createdAt": "2026-01-02T03:04:05.678Z",
	"facets": [{
		"index": {"byteStart": 7, "byteEnd": 18},
		"features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:44ybard66vv44zksje25o7dz"}]
	}, {
		"index": {"byteStart": 0, "byteEnd": 5},
		"features": [{"$type": "com.example.feature", "anything": true}]
	}],
	"reply": {
		"root": {
			"uri": "at://did:plc:44ybard66vv44zksje25o7dz/app.bsky.feed.post/3jui7kd54zh2y",
			"cid": "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
		},
		"parent": {
			"uri": "at://did:plc:44ybard66vv44zksje25o7dz/app.bsky.feed.post/3jui7kd54zh2y",
			"cid": "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
		}
	},
	"embed": {
		"$type": "app.bsky.embed.images",
		"images": [{
			"alt": "a picture",
			"image": {
				"$type": "blob",
				"ref": {"$link": "bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"},
				"mimeType": "image/png",
				"size": 1234
			}
		}]
	}
}`

const tid = "3jui7kd54zh2y"

// TestBuiltinRecords: records of the built-in lexicons, and where they are wrong.
func TestBuiltinRecords(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	replace := func(old, new string) string {
		if strings.Count(post, old) == 0 {
			t.Fatalf("the post has no %s", old)
		}
		return strings.ReplaceAll(post, old, new)
	}
	for _, c := range []struct {
		name       string
		collection syntax.NSID
		rkey       syntax.RecordKey
		record     string
		want       string // of the error, "" for a valid record
	}{
		{"a post", "app.bsky.feed.post", tid, post, ""},
		{"a key that isn't a TID", "app.bsky.feed.post", "self", post,
			"Invalid record key for app.bsky.feed.post: TID"},
		{"a profile", "app.bsky.actor.profile", "self", `{"$type":"app.bsky.actor.profile","displayName":"Alice"}`, ""},
		{"a profile under another key", "app.bsky.actor.profile", tid, `{"$type":"app.bsky.actor.profile"}`,
			"Invalid record key for app.bsky.actor.profile: must be self"},
		{"an NSID as key", "com.atproto.lexicon.schema", "com.example.thing",
			`{"$type":"com.atproto.lexicon.schema","lexicon":1}`, ""},
		{"no NSID as key", "com.atproto.lexicon.schema", "thing", `{"$type":"com.atproto.lexicon.schema","lexicon":1}`,
			"Invalid record key for com.atproto.lexicon.schema: "},
		{"another $type", "app.bsky.feed.post", tid, `{"$type":"app.bsky.feed.like"}`,
			"Invalid app.bsky.feed.post record: record.$type: must be app.bsky.feed.post"},
		{"no $type", "app.bsky.feed.post", tid, `{"text":"","createdAt":"2026-01-02T03:04:05Z"}`,
			"Invalid app.bsky.feed.post record: record.$type: must be app.bsky.feed.post"},
		{"no text", "app.bsky.feed.post", tid, replace(`"text"`, `"texts"`),
			"Invalid app.bsky.feed.post record: record.text: is required"},
		{"null", "app.bsky.feed.post", tid, replace(`["en"]`, `null`),
			"Invalid app.bsky.feed.post record: record.langs: must not be null"},
		{"no list", "app.bsky.feed.post", tid, replace(`["en"]`, `"en"`), "record.langs: must be an array"},
		{"a long list", "app.bsky.feed.post", tid, replace(`["en"]`, `["en","de","fr","it"]`),
			"record.langs: must have at most 3 elements"},
		{"no language", "app.bsky.feed.post", tid, replace(`["en"]`, `["en","?"]`), "record.langs[1]: "},
		{"no date", "app.bsky.feed.post", tid, replace("T03:04:05.678Z", ""), "record.createdAt: "},
		{"many graphemes", "app.bsky.feed.post", tid, replace("Hello", strings.Repeat("ä", 301)), "record.text: "},
		{"few graphemes of many bytes", "app.bsky.feed.post", tid, replace("Hello", strings.Repeat("👩‍👩‍👦‍👦", 9)), ""},
		{"no DID", "app.bsky.feed.post", tid, replace("did:plc:44ybard66vv44zksje25o7dz\"}", "alice\"}"),
			"record.facets[0].features[0].did: "},
		{"a negative number", "app.bsky.feed.post", tid, replace(`"byteStart": 0`, `"byteStart": -1`),
			"record.facets[1].index.byteStart: "},
		{"no object", "app.bsky.feed.post", tid, replace(`{"byteStart": 0, "byteEnd": 5}`, `[]`),
			"record.facets[1].index: must be an object"},
		{"a variant without $type", "app.bsky.feed.post", tid, replace(`"$type": "com.example.feature", `, ""),
			"record.facets[1].features[0].$type: must be a type's name"},
		{"a picture that isn't one", "app.bsky.feed.post", tid, replace("image/png", "text/html"),
			"record.embed.images[0].image: "},
		{"an old blob", "app.bsky.feed.post", tid,
			replace(`"size": 1234`, `"cid": "bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"`), "blob"},
		{"an object of another type", "app.bsky.feed.post", tid, replace(`"root": {`, `"root": {"$type": "com.example.ref",`),
			"record.reply.root.$type: must be com.atproto.repo.strongRef"},
		{"a lexicon that isn't one of records", "app.bsky.feed.defs", tid, `{"$type":"app.bsky.feed.defs"}`,
			"the lexicon is not one of records"},
	} {
		if c.name == "an old blob" {
			c.record = legacyPost(t)
			c.want = "record.embed.images[0].image: legacy blobs not allowed"
		}
		status, err := catalog.CheckRecord(t.Context(), c.collection, c.rkey, data(t, c.record), nil)
		var invalid *lexicon.InvalidError
		switch {
		case c.want == "" && (err != nil || status != lexicon.Valid):
			t.Errorf("%s: %q, %v", c.name, status, err)
		case c.want != "" && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// legacyPost returns the post with a blob of the old form.
func legacyPost(t *testing.T) string {
	t.Helper()
	from := strings.Index(post, `"$type": "blob"`)
	to := strings.Index(post, `"size": 1234`)
	if from < 0 || to < 0 {
		t.Fatal("the post has no blob")
	}
	return post[:from] + `"cid": "bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq", "mimeType": "image/png"` +
		strings.TrimPrefix(post[to:], `"size": 1234`)
}

// TestFlags: indigo's flags have their meaning.
func TestFlags(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	check := func(record string, flags indigo.ValidateFlags) error {
		return catalog.ValidateRecord("app.bsky.feed.post", tid, data(t, record), flags)
	}
	if err := check(legacyPost(t), indigo.AllowLegacyBlob); err != nil {
		t.Error(err)
	}
	lenient := strings.ReplaceAll(post, "05.678Z", "05.678")
	if err := check(lenient, 0); err == nil {
		t.Error("a date without time zone is valid")
	}
	if err := check(lenient, indigo.AllowLenientDatetime); err != nil {
		t.Error(err)
	}
	if err := check(post, indigo.StrictRecursiveValidation); !errors.Is(err, lexicon.ErrUnknown) {
		t.Errorf("a variant that isn't known: %v", err)
	}
}

// TestModes: what a client says of validation.
func TestModes(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	yes, no := true, false
	for _, c := range []struct {
		name     string
		record   string
		validate *bool
		status   lexicon.Status
		err      string
	}{
		{"valid, unset", `{"$type":"app.bsky.actor.profile"}`, nil, lexicon.Valid, ""},
		{"valid, true", `{"$type":"app.bsky.actor.profile"}`, &yes, lexicon.Valid, ""},
		{"valid, false", `{"$type":"app.bsky.actor.profile"}`, &no, lexicon.Skipped, ""},
		{"invalid, unset", `{"$type":"app.bsky.actor.profile","displayName":1}`, nil, "", "Invalid app.bsky.actor.profile record"},
		{"invalid, true", `{"$type":"app.bsky.actor.profile","displayName":1}`, &yes, "", "Invalid app.bsky.actor.profile record"},
		{"invalid, false", `{"$type":"app.bsky.actor.profile","displayName":1}`, &no, lexicon.Skipped, ""},
		{"unknown, unset", `{"$type":"com.example.thing"}`, nil, lexicon.Unknown, ""},
		{"unknown, true", `{"$type":"com.example.thing"}`, &yes, "", "Unknown lexicon type: com.example.thing"},
		{"unknown, false", `{"$type":"com.example.thing"}`, &no, lexicon.Skipped, ""},
	} {
		record := data(t, c.record)
		status, err := catalog.CheckRecord(t.Context(), syntax.NSID(record["$type"].(string)), "self", record, c.validate)
		if status != c.status || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", c.name, status, err)
		}
	}
}

// TestUnknownPart: a record is unknown too if only a part of it is, but not if what is known of it is wrong.
func TestUnknownPart(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"thing.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.thing", "defs": {"main": {
			"type": "record", "key": "any", "record": {"type": "object", "properties": {
				"other": {"type": "ref", "ref": "com.example.other"},
				"list": {"type": "array", "items": {"type": "union", "refs": ["com.example.other", "#part"]}},
				"size": {"type": "integer"}
			}}
		}, "part": {"type": "object", "properties": {"size": {"type": "integer"}}}}
	}`)}}})
	for record, want := range map[string]lexicon.Status{
		`{"$type": "com.example.thing", "size": 1}`:                                           lexicon.Valid,
		`{"$type": "com.example.thing", "size": 1, "other": {}}`:                              lexicon.Unknown,
		`{"$type": "com.example.thing", "size": 1, "list": [{"$type": "com.example.other"}]}`: lexicon.Unknown,
	} {
		if got, err := catalog.CheckRecord(t.Context(), "com.example.thing", "self", data(t, record), nil); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", record, got, err, want)
		}
	}
	for record, want := range map[string]string{
		`{"$type": "com.example.thing", "size": "1", "other": {}}`: "record.size: ",
		`{"$type": "com.example.thing", "list": [{"$type": "com.example.other"},
			{"$type": "com.example.thing#part", "size": "1"}]}`: "record.list[1].size: ",
	} {
		_, err := catalog.CheckRecord(t.Context(), "com.example.thing", "self", data(t, record), nil)
		expect(t, record, err, want)
	}
}

func BenchmarkCheckRecord(b *testing.B) {
	catalog := newCatalog(b, lexicon.Config{})
	like := `{"$type":"app.bsky.feed.like","createdAt":"2026-01-02T03:04:05.678Z","subject":{
		"uri":"at://did:plc:44ybard66vv44zksje25o7dz/app.bsky.feed.post/3jui7kd54zh2y",
		"cid":"bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"}}`
	for name, text := range map[string]string{"like": like, "post": post} {
		record := data(b, text)
		collection := syntax.NSID(record["$type"].(string))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := catalog.CheckRecord(b.Context(), collection, tid, record, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	record := data(b, post)
	b.Run("post by indigo", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := indigo.ValidateRecord(catalog, record, "app.bsky.feed.post", 0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestGraphemes: they are counted where their least number is given, however short the text is.
func TestGraphemes(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"word.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.word", "defs": {
			"main": {"type": "record", "key": "any", "record": {"type": "object", "properties": {
				"word": {"type": "string", "minGraphemes": 2, "maxGraphemes": 3}
			}}}
		}
	}`)}}})
	for word, want := range map[string]string{"": "record.word: ", "a": "record.word: ", "ä": "record.word: ", "ab": "", "äöü": "", "abcd": "record.word: "} {
		expect(t, word, catalog.ValidateRecord("com.example.word", "self", map[string]any{"$type": "com.example.word", "word": word}, 0), want)
	}
}

// TestTokens: a reference to a token is the token's name.
func TestTokens(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"vote.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.vote", "defs": {
			"main": {"type": "record", "key": "any", "record": {"type": "object", "properties": {"for": {"type": "ref", "ref": "#yes"}}}},
			"yes": {"type": "token"}
		}
	}`)}}})
	for value, want := range map[any]string{
		"com.example.vote#yes": "",
		"com.example.vote#no":  "record.for: must be com.example.vote#yes",
		true:                   "record.for: must be com.example.vote#yes",
	} {
		record := map[string]any{"$type": "com.example.vote", "for": value}
		expect(t, "", catalog.ValidateRecord("com.example.vote", "self", record, 0), want)
	}
}
