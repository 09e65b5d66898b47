package lexicon_test

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
)

func method(t testing.TB, catalog *lexicon.Catalog, id syntax.NSID) *lexicon.Method {
	t.Helper()
	m, err := catalog.Method(id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// expect fails the test unless err is an *InvalidError that contains want, or nil if want is "".
func expect(t testing.TB, name string, err error, want string) {
	t.Helper()
	var invalid *lexicon.InvalidError
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// TestMethods: every built-in lexicon of a method compiles, and others aren't methods.
func TestMethods(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	for id, verb := range map[syntax.NSID]string{
		"com.atproto.repo.listRecords":    "GET",
		"com.atproto.repo.createRecord":   "POST",
		"com.atproto.sync.subscribeRepos": "GET",
		"com.atproto.repo.uploadBlob":     "POST",
		"com.atproto.repo.defs":           "",
		"app.bsky.feed.post":              "",
		"com.example.nothing":             "",
	} {
		m, err := catalog.Method(id)
		switch {
		case verb == "" && !errors.Is(err, lexicon.ErrUnknown):
			t.Errorf("%s: %v, want ErrUnknown", id, err)
		case verb != "" && (err != nil || m.Verb() != verb):
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestCheckParams(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"query.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.query", "defs": {"main": {"type": "query", "parameters": {
			"type": "params", "required": ["name"], "properties": {
				"name": {"type": "string", "maxLength": 5},
				"number": {"type": "integer", "minimum": 1, "maximum": 10},
				"flag": {"type": "boolean"},
				"numbers": {"type": "array", "maxLength": 2, "items": {"type": "integer"}},
				"dids": {"type": "array", "items": {"type": "string", "format": "did"}}
			}
		}}}
	}`)}}})
	m := method(t, catalog, "com.example.query")
	for query, want := range map[string]string{
		"name=a":                     "",
		"name=a&number=10&flag=true": "",
		"name=a&numbers=1&numbers=2": "",
		"name=a&dids=did:plc:a":      "",
		"name=a&number=&other=1":     "",
		"":                           "params.name: is required",
		"name=":                      "params.name: is required",
		"name=a&name=b":              "params.name: must be given once",
		"name=abcdef":                "params.name: ",
		"name=a&number=x":            "params.number: ",
		"name=a&number=11":           "params.number: ",
		"name=a&number=1.0":          "params.number: ",
		"name=a&flag=1":              "params.flag: ",
		"name=a&numbers=1&numbers=x": "params.numbers[1]: ",
		"name=a&numbers=1" + "&numbers=2&numbers=3": "params.numbers: must have at most 2 elements",
		"name=a&dids=alice":                         "params.dids[0]: ",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, query, m.CheckParams(values), want)
	}
	expect(t, "no parameters", method(t, catalog, "com.atproto.server.describeServer").CheckParams(url.Values{"a": {"b"}}), "")
}

func TestCheckInput(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	create := method(t, catalog, "com.atproto.repo.createRecord")
	for input, want := range map[string]string{
		`{"repo":"alice.test","collection":"com.example.thing","record":{}}`:                               "",
		`{"repo":"alice.test","collection":"com.example.thing","record":{"a":1.5},"more":true}`:            "",
		` {"repo":"alice.test","collection":"com.example.thing","record":{},"validate":true}`:              "",
		`{"repo":"alice.test","collection":"com.example.thing"}`:                                           "input.record: is required",
		`{"repo":"?","collection":"com.example.thing","record":{}}`:                                        "input.repo: ",
		`{"repo":"alice.test","collection":"thing","record":{}}`:                                           "input.collection: ",
		`{"repo":"alice.test","collection":"com.example.thing","record":[]}`:                               "input.record: must be an object",
		`{"repo":"alice.test","collection":"com.example.thing","record":{},"validate":"yes"}`:              "input.validate: ",
		`{"repo":"alice.test","collection":"com.example.thing","record":{},"swapCommit":null}`:             "input.swapCommit: must not be null",
		`{"repo":"alice.test","collection":"com.example.thing","record":{},"rkey":"a/b"}`:                  "input.rkey: ",
		`{"repo":"alice.test","collection":"com.example.thing","record":{},"RKey":"a/b"}`:                  "input.RKey: must be spelt rkey",
		`{"repo":"alice.test","collection":"com.example.thing","record":{},"rkey":"a/b","rkey":"a"}`:       "input: must not have two properties of the same name: rkey",
		`{"repo":"alice.test","collection":"com.example.thing","record":{"a":{}},"record":{"b":"\u0061"}}`: "input: must not have two properties of the same name: record",
		`[]`:   "input: must be an object",
		`null`: "input: must be an object",
		``:     "input: must be an object",
		`{`:    "input: must be an object",
	} {
		expect(t, input, create.CheckInput([]byte(input)), want)
	}
	put := method(t, catalog, "com.atproto.repo.putRecord")
	expect(t, "null that may be", put.CheckInput([]byte(
		`{"repo":"alice.test","collection":"com.example.thing","rkey":"a","record":{},"swapRecord":null}`)), "")

	apply := method(t, catalog, "com.atproto.repo.applyWrites")
	for writes, want := range map[string]string{
		`[]`: "",
		`[{"$type":"com.atproto.repo.applyWrites#create","collection":"com.example.thing","value":{}}]`: "",
		`[{"$type":"com.atproto.repo.applyWrites#create","collection":"com.example.thing"}]`:            "input.writes[0].value: is required",
		`[{"$type":"com.atproto.repo.applyWrites#move"}]`:                                               "input.writes[0].$type: ",
		`[{"collection":"com.example.thing"}]`:                                                          "input.writes[0].$type: ",
		`[{"$type":1}]`:                                                                                 "input.writes[0].$type: ",
		`{}`:                                                                                            "input.writes: must be an array",
	} {
		expect(t, writes, apply.CheckInput([]byte(`{"repo":"alice.test","writes":`+writes+`}`)), want)
	}
	expect(t, "no JSON", method(t, catalog, "com.atproto.repo.uploadBlob").CheckInput([]byte("bytes")), "")
}

func TestCheckOutput(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	m := method(t, catalog, "com.atproto.repo.createRecord")
	const cid = "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"
	const uri = "at://did:plc:a/com.example.thing/a"
	for output, want := range map[string]string{
		`{"uri":"` + uri + `","cid":"` + cid + `"}`:                                                    "",
		`{"uri":"` + uri + `","cid":"` + cid + `","commit":{"cid":"` + cid + `","rev":"` + tid + `"}}`: "",
		`{"uri":"` + uri + `","cid":"` + cid + `","commit":{"cid":"` + cid + `"}}`:                     "output.commit.rev: is required",
		`{"uri":"` + uri + `"}`: "output.cid: is required",
	} {
		expect(t, output, m.CheckOutput([]byte(output)), want)
	}
}

func TestCheckMessage(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{})
	m := method(t, catalog, "com.atproto.label.subscribeLabels")
	if !m.Streams() || method(t, catalog, "com.atproto.label.queryLabels").Streams() {
		t.Error("a query is a stream, or a stream isn't one")
	}
	for message, want := range map[string]string{
		`{"$type":"com.atproto.label.subscribeLabels#labels","seq":1,"labels":[]}`:   "",
		`{"$type":"com.atproto.label.subscribeLabels#labels","seq":"1","labels":[]}`: "message.seq: ",
		`{"$type":"com.atproto.label.subscribeLabels#label","seq":1}`:                "message.$type: is no message",
		`{"$type":"com.example.unheard#of","seq":"1"}`:                               "",
		`{"seq":1,"labels":[]}`: "message.$type: ",
	} {
		expect(t, message, m.CheckMessage(data(t, message)), want)
	}
}

// TestUnknownInput: what refers to a lexicon that isn't known passes, but nothing beside it.
func TestUnknownInput(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"make.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.make", "defs": {"main": {"type": "procedure", "input": {"encoding": "application/json",
			"schema": {"type": "object", "required": ["size"], "properties": {
				"far": {"type": "ref", "ref": "com.example.unknown"},
				"fars": {"type": "array", "items": {"type": "union", "refs": ["com.example.unknown", "com.atproto.repo.strongRef"]}},
				"size": {"type": "integer"}
			}}}}}
	}`)}}})
	m := method(t, catalog, "com.example.make")
	for input, want := range map[string]string{
		`{"far":1,"fars":[{"$type":"com.example.unknown"}],"size":1}`: "",
		`{"far":1}`:            "input.size: is required",
		`{"far":1,"size":"1"}`: "input.size: ",
		`{"fars":[{"$type":"com.example.unknown"},{"$type":"com.atproto.repo.strongRef"}],"size":1}`: "input.fars[1].cid: is required",
	} {
		expect(t, input, m.CheckInput([]byte(input)), want)
	}
}

// TestDeepInput: what is nested deeply is checked, too, and takes no time out of proportion.
func TestDeepInput(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"tree.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.grow", "defs": {
			"main": {"type": "procedure", "input": {"encoding": "application/json", "schema": {"type": "ref", "ref": "#tree"}}},
			"tree": {"type": "object", "required": ["size"], "properties": {
				"size": {"type": "integer"}, "child": {"type": "ref", "ref": "#tree"}
			}}
		}
	}`)}}})
	m := method(t, catalog, "com.example.grow")
	tree := func(depth int, leaf string) []byte {
		return []byte(strings.Repeat(`{"size":1,"child":`, depth) + leaf + strings.Repeat("}", depth))
	}
	for _, depth := range []int{0, 1, 10, 100, 9000} {
		expect(t, "a tree", m.CheckInput(tree(depth, `{"size":1}`)), "")
		expect(t, "a tree", m.CheckInput(tree(depth, `{}`)), "size: is required")
	}
	if m.CheckInput(tree(20000, `{"size":1}`)) == nil {
		t.Error("what is too deep for JSON passes")
	}
}

// TestUpstreamMethods: upstream's examples of methods compile.
func TestUpstreamMethods(t *testing.T) {
	catalog := newCatalog(t, lexicon.Config{Files: os.DirFS(upstream(t, "atproto/lexicon/testdata/catalog"))})
	for _, id := range []syntax.NSID{"example.lexicon.query", "example.lexicon.procedure"} {
		if _, err := catalog.Method(id); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkCheckInput(b *testing.B) {
	m := method(b, newCatalog(b, lexicon.Config{}), "com.atproto.repo.createRecord")
	input := []byte(`{"repo":"did:plc:44ybard66vv44zksje25o7dz","collection":"app.bsky.feed.post","record":` + post + `}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.CheckInput(input); err != nil {
			b.Fatal(err)
		}
	}
}
