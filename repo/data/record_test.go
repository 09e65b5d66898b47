package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"
)

const (
	aLink = `{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}`
	aBlob = `{"$type":"blob","ref":{"$link":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"},"mimeType":"image/jpeg","size":10000}`
)

// samples are records of every kind of value.
var samples = []string{
	`{"$type":"com.example.record"}`,
	`{"text":"plain","n":0,"neg":-24,"big":9007199254740991,"small":-9007199254740991,"t":true,"f":false,"nil":null}`,
	`{"text":"\u0000 \" \\ \u001f \u2028 é 👩‍👩‍👧","":"empty key","a":[],"o":{},"nested":[[{"x":[1,2,3]}]]}`,
	`{"l":` + aLink + `,"b":{"$bytes":"nFERjvLLiw9qm45JrqH9QTzyC2Lu1Xb4ne6+sBrCzI0"}}`,
	`{"img":` + aBlob + `}`,
	`{"aa":1,"b":2,"a":3,"long key of more than twenty-three characters":4,"` + strings.Repeat("k", 300) + `":"` + strings.Repeat("v", 70000) + `"}`,
	`{"0":1.0,"1":1e2,"2":-0,"3":120e-1,"4":0.0e999999999999,"5":255,"6":256,"7":65536,"8":4294967296,"9":-257}`,
	`{"a":1,"a":2,"\ud83d\ude00":"\ud83d\ude00","\\ud800":"\\\\ud800"}`,
	`{"l":{"$link":"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnzXAR"},"b":{"$bytes":""}}`,
	`{"b":{"$bytes":"123"}}`,
}

// TestEncode holds both encodings of the samples against upstream's.
func TestEncode(t *testing.T) {
	for _, s := range samples {
		record, err := FromJSON([]byte(s))
		if err != nil {
			t.Fatalf("%.100s: %v", s, err)
		}
		compareEncodings(t, []byte(s), record)
	}
}

// compareEncodings holds a record that FromJSON has taken from text against what upstream makes of
// it, and both encodings against upstream's.
func compareEncodings(t *testing.T, text []byte, record map[string]any) {
	t.Helper()
	upstream, err := atdata.UnmarshalJSON(text)
	if err != nil || !reflect.DeepEqual(record, upstream) {
		t.Fatalf("%s is %v, and %v to upstream (%v)", text, record, upstream, err)
	}
	got, err := Encode(record)
	if err != nil {
		return // a legacy blob, for instance
	}
	want, err := atdata.MarshalCBOR(record)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("DAG-CBOR of %v:\n got %x (%v)\nwant %x", record, got, err, want)
	}
	decoded, err := Decode(got)
	if err != nil || !reflect.DeepEqual(decoded, record) {
		t.Fatalf("%x decoded is %v (%v), want %v", got, decoded, err, record)
	}
	viaJSON, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := AppendJSON(nil, got)
	if err != nil {
		t.Fatalf("JSON of %x: %v", got, err)
	}
	if !reflect.DeepEqual(parsed(t, direct), parsed(t, viaJSON)) {
		t.Fatalf("JSON:\n got %s\nwant %s", direct, viaJSON)
	}
	again, err := FromJSON(direct)
	if err != nil || !reflect.DeepEqual(again, record) {
		t.Fatalf("%s, from %v, is %v (%v)", direct, record, again, err)
	}
}

func parsed(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s is not JSON: %v", text, err)
	}
	return v
}

// nested returns a record of so many levels: the record, objects and arrays in turn, and a link.
func nested(levels int) string {
	s := aLink
	for i := levels; i > 1; i-- {
		if i%2 == 0 {
			s = `{"a":` + s + `}`
		} else {
			s = `[0,` + s + `]`
		}
	}
	return `{"b":` + s + `}`
}

func TestDepth(t *testing.T) {
	for levels, ok := range map[int]bool{1: true, 31: true, 32: true, 33: false, 34: false} {
		text := []byte(nested(levels))
		record, err := FromJSON(text)
		if (err == nil) != ok {
			t.Errorf("FromJSON of %d levels: %v", levels, err)
		}
		if err != nil && (!errors.Is(err, errDepth) || !strings.HasPrefix(err.Error(), "/b/a/1/a/1/a/1")) {
			t.Errorf("FromJSON of %d levels: %q names no path or rule", levels, err)
		}
		if record == nil {
			if record, err = atdata.UnmarshalJSON(text); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Encode(record); (err == nil) != ok || err != nil && !errors.Is(err, errDepth) {
			t.Errorf("Encode of %d levels: %v", levels, err)
		}
		stored, err := atdata.MarshalCBOR(record)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(stored); (err == nil) != ok || err != nil && !errors.Is(err, errDepth) {
			t.Errorf("Check of %d levels: %v", levels, err)
		}
	}
	endless := map[string]any{}
	endless["a"] = []any{endless}
	if _, err := Encode(endless); !errors.Is(err, errDepth) {
		t.Errorf("a record that contains itself: %v", err)
	}
}

// TestStoredDepth: what could once be written can be read.
func TestStoredDepth(t *testing.T) {
	deep := []byte(strings.Repeat("\xa1\x61a", MaxStoredDepth) + "\x01")
	if err := Check(deep); !errors.Is(err, errDepth) {
		t.Errorf("Check: %v", err)
	}
	if err := WellFormed(deep); err != nil {
		t.Errorf("WellFormed: %v", err)
	}
	if got, err := AppendJSON(nil, deep); err != nil || len(got) != 6*MaxStoredDepth+1 {
		t.Errorf("AppendJSON: %d bytes, %v", len(got), err)
	}
	if _, err := Decode(deep); err != nil {
		t.Errorf("Decode: %v", err)
	}
	deeper := append([]byte("\xa1\x61a"), deep...)
	if _, err := AppendJSON(nil, deeper); err == nil {
		t.Error("AppendJSON of one level more is no error")
	}
	if _, err := Decode(deeper); !errors.Is(err, errStoredDepth) {
		t.Errorf("Decode of one level more: %v", err)
	}
	bottomless := []byte(strings.Repeat("\xa1\x61a", MaxRecordBytes/3))
	if _, err := AppendJSON(nil, bottomless); err == nil {
		t.Error("AppendJSON of a bottomless value is no error")
	}
}

func TestFromJSONRefuses(t *testing.T) {
	for _, s := range []string{
		``, `null`, `[]`, `1`, `{"a":1}{}`, `{"a":1`, aLink, aBlob, `{"$bytes":"AA"}`,
		`{"mimeType":"image/png","cid":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"}`,
		`{"n":1.5}`, `{"n":9007199254740992}`, `{"n":-9007199254740992}`, `{"n":1e300}`, `{"n":1e-1}`, `{"n":1e999}`,
		`{"n":1.00000000000000000000001}`, `{"n":9007199254740991.1}`, `{"n":1e-99999999999999999999}`, `{"n":12.3e-99999}`,
		`{"s":"\ud800"}`, `{"s":"\udc00"}`, `{"s":"\ud800\ud800"}`, `{"s":"\ud800x"}`, "{\"s\":\"\xff\"}", `{"\uDBFF":1}`,
		`{"l":{"$link":"nonsense"}}`, `{"l":{"$link":1}}`, `{"l":{"$link":"bafy","x":1}}`, `{"l":{"$link":""}}`,
		`{"l":{"$link":"/ipfs/bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}}`,
		`{"l":{"$link":"BAFYREIDFAYVFUWQA7QLNOPDJIQRXZS6BLMOEU4RUJCJTNCI5BELUDIRZ2A"}}`,
		`{"b":{"$bytes":"*"}}`, `{"b":{"$bytes":"AA=="}}`, `{"b":{"$bytes":1}}`,
		`{"b":{"$bytes":"AA","x":1}}`,
		`{"$type":""}`, `{"$type":1}`, `{"$type":null}`, `{"o":{"$type":""}}`,
		`{"b":{"$type":"blob"}}`, `{"b":{"$type":"blob","ref":1,"mimeType":"a/b","size":1}}`,
		strings.Replace(`{"b":`+aBlob+`}`, "10000", "-1", 1), strings.Replace(`{"b":`+aBlob+`}`, "10000", "1.5", 1),
		strings.Replace(`{"b":`+aBlob+`}`, `"size"`, `"x":1,"size"`, 1), strings.Replace(`{"b":`+aBlob+`}`, "image", `/\ud800`, 1),
		`{"b":{"mimeType":"image/png","cid":"nonsense"}}`, `{"b":{"mimeType":1,"cid":"x"}}`, `{"b":{"mimeType":"x","cid":{}}}`,
		`{"a":"` + strings.Repeat("x", atdata.MAX_JSON_RECORD_SIZE) + `"}`,
	} {
		if got, err := FromJSON([]byte(s)); err == nil {
			t.Errorf("%.100q became %v", s, got)
		}
	}
}

// TestEncodeRefuses: no value of Go's becomes what Check refuses.
func TestEncodeRefuses(t *testing.T) {
	many := make([]any, atdata.MAX_CBOR_CONTAINER_LEN+1)
	for name, record := range map[string]map[string]any{
		"a fraction":                {"a": 1.0},
		"an int":                    {"a": 1},
		"a large integer":           {"a": int64(1 << 53)},
		"a small integer":           {"a": int64(-1 << 53)},
		"text that isn't UTF-8":     {"a": "\xff"},
		"a name that isn't UTF-8":   {"\xff": nil},
		"a long name":               {strings.Repeat("x", atdata.MAX_OBJECT_KEY_LEN+1): nil},
		"a reserved name":           {"a": map[string]any{"$link": "x"}},
		"another":                   {"a": map[string]any{"$bytes": "x"}},
		"a name of JavaScript's":    {"a": map[string]any{"__proto__": nil}},
		"an empty type":             {"$type": ""},
		"a type that isn't text":    {"$type": []any{}},
		"an undefined link":         {"a": atdata.CIDLink{}},
		"a blob of a negative size": {"a": atdata.Blob{Size: -1}},
		"a blob without a link":     {"a": atdata.Blob{}},
		"a record that is a blob":   {"cid": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity", "mimeType": "a/b"},
		"too many elements":         {"a": many},
		"too many bytes":            {"a": strings.Repeat("x", MaxRecordBytes)},
	} {
		if b, err := Encode(record); err == nil {
			t.Errorf("%s became %.100x", name, b)
		}
	}
}

func TestCheck(t *testing.T) {
	cid := "\xd8\x2a\x58\x25\x00\x01\x71\x12\x20" + strings.Repeat("h", 32)
	text := func(s string) string { return string(appendText(nil, s)) }
	blob := "\xa4\x63ref" + cid + "\x64size\x01\x65$type\x64blob\x68mimeType\x63a/b"
	legacy := "\xa2\x63cid" + text("bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity") + "\x68mimeType\x63a/b"
	for value, ok := range map[string]bool{
		"\x00": true, "\x20": true, "\x1b\x00\x1f\xff\xff\xff\xff\xff\xff": true, "\x3b\x00\x1f\xff\xff\xff\xff\xff\xfe": true,
		"\x60": true, "\x61a": true, "\x40": true, "\x41\xff": true, "\x80": true, "\xa0": true, "\x82\x01\x80": true,
		"\xf4": true, "\xf5": true, "\xf6": true, cid: true, strings.Replace(cid, "\x71", "\x55", 1): true,
		strings.Replace(cid, "\x71", "\x70", 1): true, blob: true, legacy: true, "\xa1\x68mimeType\x01": true,
		"\xa2\x61x\x01\x68mimeType\x01": true, "\xa3\x61x\x01\x63cid\x01\x68mimeType\x01": true,

		"": false, "\x18\x17": false, "\x19\x00\xff": false, "\x1a\x00\x00\xff\xff": false, // not the shortest form
		"\x1b\x00\x00\x00\x00\xff\xff\xff\xff": false, "\x78\x01a": false, "\x58\x01a": false, "\x98\x01\x01": false,
		"\xb8\x01\x61a\x01": false, "\xa1\x78\x01a\x01": false, "\xd9\x00\x2a" + cid[2:]: false, "\xd8\x2a\x59\x00\x25" + cid[4:]: false,
		"\x1b\x00\x20\x00\x00\x00\x00\x00\x00": false, "\x3b\x00\x1f\xff\xff\xff\xff\xff\xff": false, // unsafe integers
		"\xf7": false, "\xf9\x3c\x00": false, "\xfa\x3f\x80\x00\x00": false, "\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00": false,
		"\xf8\x20": false, "\xe0": false, "\xff": false, "\x9f\xff": false, "\xbf\xff": false, "\x5f\xff": false, "\x7f\xff": false,
		"\x62a": false, "\x42a": false, "\x82\x01": false, "\x61\xff": false, "\xa1\x61\xff\x01": false, "\xa1\x01\x01": false,
		"\xa2\x61a\x01\x61a\x01": false, "\xa2\x61b\x01\x61a\x01": false, "\xa2\x62aa\x01\x61b\x01": false, // keys
		"\xc1\x00": false, "\xd8\x2b\x42\x00\x00": false, "\xd8\x2a\x41\x00": false, "\xd8\x2a\x60": false, "\xd8\x2a": false,
		strings.Replace(cid, "\x00", "\x01", 1): false, "\xd8\x2a\x43\x00\x01\x71": false,
		"\xd8\x2a\x58\x55\x00\x01\x71\x00\x50" + strings.Repeat("h", 80): false, // a link longer than clients take
		"\x9b\xff\xff\xff\xff\xff\xff\xff\xff":                           false, "\xbb\x80\x00\x00\x00\x00\x00\x00\x00": false,
		strings.Replace(blob, "\x01\x65", "\x20\x65", 1): false, strings.Replace(blob, "\xa4", "\xa5\x61a\x01", 1): false,
		strings.Replace(blob, "\x63ref", "\x63rex", 1): false, strings.Replace(blob, "\x63a/b", "\x01", 1): false,
		strings.Replace(blob, "\x64size\x01", "\x64size\x61x", 1): false, "\xa1\x65$type\x64blob": false,
		strings.Replace(legacy, "bafk", "xafk", 1): false, strings.Replace(legacy, "\x63a/b", "\x01", 1): false,
		"\xa2\x63cid" + cid + "\x68mimeType\x63a/b": false, "\xa1\x65$type\x60": false, "\xa1\x65$type\x01": false,
		"\xa1\x65$link\x01": false, "\xa1\x66$bytes\x01": false, "\xa1\x69__proto__\x01": false,
	} {
		if err := Check([]byte("\xa1\x61a" + value)); (err == nil) != ok {
			t.Errorf("Check of the value %x: %v", value, err)
		}
	}
	for record, ok := range map[string]bool{
		"\xa0": true, "\xa1\x61a\x01": true, "": false, "\xa0\xa0": false, "\x80": false, "\xb8\x00": false, blob: false,
		legacy: false, "\x61a": false, "\xf6": false, cid: false,
	} {
		if err := Check([]byte(record)); (err == nil) != ok {
			t.Errorf("Check of the record %x: %v", record, err)
		}
	}
	if err := Check(append([]byte("\xa1\x61a\x5a\x00\x10\x00\x00"), make([]byte, 1<<20)...)); err == nil {
		t.Error("Check of more than a MiB is no error")
	}
}

// A path that is long isn't shown whole.
func TestErrorPath(t *testing.T) {
	name := strings.Repeat("é", 4000)
	_, err := FromJSON([]byte(`{"` + name + `":{"` + name + `":[0,1.5]}}`))
	if err == nil || len(err.Error()) > 2*maxPath || strings.ToValidUTF8(err.Error(), "") != err.Error() {
		t.Errorf("error %v", err)
	}
	_, err = FromJSON([]byte(`{"list":[0,{"a":1.5}]}`))
	if want := "/list/1/a: " + errInteger.Error(); fmt.Sprint(err) != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// FuzzFromJSON: what is taken is what upstream takes, and all encodings agree with upstream's.
func FuzzFromJSON(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Add([]byte(nested(32)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if record, err := FromJSON(text); err == nil {
			compareEncodings(t, text, record)
		}
	})
}

// FuzzRecord reads anything as a record. What may be written can be read by everybody; what can be
// decoded can be shown.
func FuzzRecord(f *testing.F) {
	for _, s := range samples {
		record, err := FromJSON([]byte(s))
		if err != nil {
			f.Fatal(err)
		}
		b, err := Encode(record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\xa1\x61a\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\xa1\x61a\xf9\x3c\x00"))
	f.Add([]byte("\xa1\x61a\xf7"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, errJSON := AppendJSON(nil, b)
		if errJSON == nil && !json.Valid(text) {
			t.Fatalf("%x became %q, which is not JSON", b, text)
		}
		value, errDecode := Decode(b)
		if errDecode == nil && errJSON != nil {
			t.Errorf("%x can be decoded, to %v, and has no JSON: %v", b, value, errJSON)
		}
		blobs, err := Blobs(b)
		if errDecode == nil && (err != nil || len(blobs) != len(atdata.ExtractBlobs(value))) {
			t.Errorf("%x has the blobs %v (%v)", b, blobs, err)
		}
		if Check(b) != nil {
			return
		}
		if errJSON != nil || errDecode != nil {
			t.Fatalf("%x may be written, but not read: %v, %v", b, errJSON, errDecode)
		}
		viaJSON, err := FromJSON(text)
		if err != nil || !reflect.DeepEqual(viaJSON, value) {
			t.Fatalf("%x is %v, and as JSON %s, which is %v (%v)", b, value, text, viaJSON, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	record, err := FromJSON([]byte(samples[4]))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Encode(record)
	}
}

func BenchmarkCheck(b *testing.B) {
	record, err := FromJSON([]byte(`{"$type":"app.bsky.feed.post","text":"Hello, see the café","createdAt":"2026-01-02T12:00:00Z","langs":["en"],"facets":[{"index":{"byteStart":7,"byteEnd":10},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://atproto.com"}]}]}`))
	if err != nil {
		b.Fatal(err)
	}
	post, err := Encode(record)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(post)))
	for b.Loop() {
		Check(post)
	}
}
