package firehose_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/firehose"
)

type inner struct {
	Name string `json:"name"`
}

type embedded struct {
	Inside string `json:"inside"`
}

// union decodes itself, as those of generated code do.
type union struct{ inner inner }

func (u *union) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &u.inner) }

type outer struct {
	embedded
	*inner `json:"self"`
	Name   string `json:"name"`
	Hidden string `json:"-"`
	Plain  string
	List   []inner          `json:"list"`
	Map    map[string]inner `json:"map"`
	Raw    json.RawMessage  `json:"raw"`
	Union  *union           `json:"union"`
	Any    any              `json:"any"`
}

// TestDecodeRecordExactly: of names that are like a field's, the one counts that is the same to the letter.
func TestDecodeRecordExactly(t *testing.T) {
	type object = map[string]any
	value := object{
		"name": "name", "Name": "x", "nAmE": "x", "hidden": "x", "plain": "plain",
		"inside": "inside", "inſide": "x",
		"list": []any{object{"NAME": "first"}, object{"name": "second", "namE": "x"}},
		"map":  object{"a": object{"name": "a", "Name": "x"}, "A": object{"name": "A", "namE": "x"}},
		"raw":  object{"a": "1", "A": "2"}, "RAW": "x",
		"union": object{"name": "union"}, "any": object{"b": "1", "B": "2"},
	}
	var got outer
	if err := firehose.DecodeRecord(value, &got); err != nil {
		t.Fatal(err)
	}
	want := outer{
		embedded: embedded{"inside"}, Name: "name", Plain: "plain", List: []inner{{"first"}, {"second"}},
		Map: map[string]inner{"a": {"a"}, "A": {"A"}}, Raw: json.RawMessage(`{"A":"2","a":"1"}`),
		Union: &union{inner{"union"}}, Any: object{"b": "1", "B": "2"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outer{}, union{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := firehose.DecodeRecord(object{"plain": "a", "PLAIN": "b"}, &got); err == nil {
		t.Errorf("of two names, neither its own, a field became %q", got.Plain)
	}
	for _, union := range []any{object{"name": "a", "NAME": "b"}, object{"deep": []any{object{"s": "1", "ſ": "2"}}}} {
		if err := firehose.DecodeRecord(object{"union": union}, &got); err == nil {
			t.Errorf("%v is decoded to %+v", union, got.Union)
		}
	}
	var both struct {
		Lower string `json:"name"`
		Upper string `json:"NAME"`
	}
	if err := firehose.DecodeRecord(object{"name": "lower", "NAME": "upper", "Name": "x"}, &both); err != nil || both.Lower != "lower" || both.Upper != "upper" {
		t.Errorf("got %+v, %v", both, err)
	}
	var all map[string]any
	if err := firehose.DecodeRecord(object{"a": "1", "A": "2"}, &all); err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
}
