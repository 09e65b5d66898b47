package data

import (
	"bytes"
	"testing"
)

// What isn't a value of the data model is an error, and nothing that could be taken for one.
func TestAppendJSON(t *testing.T) {
	nested := func(depth int) []byte { return append(bytes.Repeat([]byte{0x81}, depth), 0) }
	for _, c := range []struct {
		name  string
		value []byte
		want  string // "" for an error
	}{
		{"the least integer", []byte("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"), "-9223372036854775808"},
		{"one that is less", []byte("\x3b\x80\x00\x00\x00\x00\x00\x00\x00"), ""},
		{"something behind", []byte("\x01\x02"), ""},
		{"a list", []byte("\x82\x01\xf6"), "[1,null]"},
		{"a list that is cut off", []byte("\x82\x01"), ""},
		{"text that isn't UTF-8", []byte("\x61\xff"), `"\ufffd"`},
		{"a whole float", []byte("\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00"), "1"},
		{"a fraction", []byte("\xfa\xbf\x00\x00\x00"), "-0.5"},
		{"a half", []byte("\xf9\xc4\x00"), "-4"},
		{"the least half", []byte("\xf9\x00\x01"), "5.960464477539063e-8"},
		{"infinity", []byte("\xf9\x7c\x00"), ""},
		{"not a number", []byte("\xf9\x7e\x00"), ""},
		{"undefined", []byte("\xf7"), "null"},
		{"an unknown simple value", []byte("\xf8\xff"), ""},
		{"deep", nested(MaxStoredDepth), string(append(append(bytes.Repeat([]byte("["), MaxStoredDepth), '0'), bytes.Repeat([]byte("]"), MaxStoredDepth)...))},
		{"too deep", nested(MaxStoredDepth + 1), ""},
	} {
		got, err := AppendJSON(nil, c.value)
		if (err == nil) != (c.want != "") || err == nil && string(got) != c.want {
			t.Errorf("%s: %.100s, %v", c.name, got, err)
		}
	}
}
