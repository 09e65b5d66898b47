package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"

	"github.com/pdskit/pdskit/pds/xrpc"
)

var samples = []string{
	`{"$type":"com.example.record"}`,
	`{"text":"plain","n":0,"neg":-24,"big":9007199254740991,"small":-9007199254740991,"t":true,"f":false,"nil":null}`,
	`{"text":"\u0000 \" \\ \u001f \u2028 é 👩‍👩‍👧","":"empty key","a":[],"o":{},"nested":[[{"x":[1,2,3]}]]}`,
	`{"l":{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"},"b":{"$bytes":"nFERjvLLiw9qm45JrqH9QTzyC2Lu1Xb4ne6+sBrCzI0"}}`,
	`{"img":{"$type":"blob","ref":{"$link":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"},"mimeType":"image/jpeg","size":10000}}`,
	`{"aa":1,"b":2,"a":3,"long key of more than twenty-three characters":4,"` + strings.Repeat("k", 300) + `":"` + strings.Repeat("v", 70000) + `"}`,
}

func TestCBORAgreesWithUpstream(t *testing.T) {
	for _, s := range samples {
		data, err := atdata.UnmarshalJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		checkEncodings(t, data)
	}
}

// checkEncodings holds both encodings of a value against upstream's.
func checkEncodings(t *testing.T, data map[string]any) {
	t.Helper()
	want, err := atdata.MarshalCBOR(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := appendCBOR(nil, data)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("DAG-CBOR of %v:\n got %x (%v)\nwant %x", data, got, err, want)
	}
	viaJSON, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := xrpc.AppendJSON(nil, got)
	if err != nil {
		t.Fatalf("JSON of %x: %v", got, err)
	}
	var a, b any
	if err := json.Unmarshal(direct, &a); err != nil {
		t.Fatalf("%s is not JSON: %v", direct, err)
	}
	if err := json.Unmarshal(viaJSON, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("JSON:\n got %s\nwant %s", direct, viaJSON)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, record, want string }{
		{"no object", `[]`, "must be an object"},
		{"null", `null`, "must be an object"},
		{"another type", `{"$type":"com.example.other"}`, "Invalid $type: expected com.example.record, got com.example.other"},
		{"an empty type", `{"$type":""}`, "Invalid"},
		{"a fraction", `{"x":1.5}`, "Invalid record"},
		{"a bad link", `{"x":{"$link":"nonsense"}}`, "Invalid record"},
		{"bad bytes", `{"x":{"$bytes":"*"}}`, "Invalid record"},
		{"a bad blob", `{"x":{"$type":"blob","ref":1}}`, "Invalid record"},
	} {
		_, err := parse(json.RawMessage(test.record), "com.example.record")
		var e *xrpc.Error
		if !errors.As(err, &e) || e.Name != "InvalidRequest" || !strings.Contains(e.Message, test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	data, err := parse(json.RawMessage(` {"x":1}`), "com.example.record")
	if err != nil || data["$type"] != "com.example.record" {
		t.Errorf("a record without $type: %v, %v", data, err)
	}
}

func FuzzRecordJSON(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		data, err := parse(raw, "com.example.record")
		if err != nil {
			var e *xrpc.Error
			if !errors.As(err, &e) || e.Status != 400 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		checkEncodings(t, data)
	})
}

func FuzzStoredCBOR(f *testing.F) {
	for _, s := range samples {
		data, err := atdata.UnmarshalJSON([]byte(s))
		if err != nil {
			f.Fatal(err)
		}
		b, err := atdata.MarshalCBOR(data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := xrpc.AppendJSON(nil, b)
		if err == nil && !json.Valid(out) {
			t.Fatalf("%x became %q, which is not JSON", b, out)
		}
	})
}

func BenchmarkAppendCBOR(b *testing.B) {
	data, err := atdata.UnmarshalJSON([]byte(samples[4]))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		appendCBOR(nil, data)
	}
}
