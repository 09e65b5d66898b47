package record

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo/data"
)

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
	value, err := parse(json.RawMessage(` {"x":1}`), "com.example.record")
	if err != nil || value["$type"] != "com.example.record" {
		t.Errorf("a record without $type: %v, %v", value, err)
	}
}

// FuzzRecordJSON: what is parsed is encoded, or the client is told why not.
func FuzzRecordJSON(f *testing.F) {
	f.Add([]byte(`{"$type":"com.example.record"}`))
	f.Add([]byte(`{"n":-24,"t":true,"nil":null,"a":[{"l":{"$link":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := parse(raw, "com.example.record")
		if err != nil {
			var e *xrpc.Error
			if !errors.As(err, &e) || e.Status != 400 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if b, err := data.Encode(value); err == nil && data.Check(b) != nil {
			t.Fatalf("%q becomes %x, which may not be written", raw, b)
		}
	})
}
