package lexicon

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzSplit holds the splitter against encoding/json, in all layers of a text.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b":[ ] , "c" : "x\"y\\" } `, `[1, -2.5e3,"",null,true,{"a":{"b":[[]]}},[[1],2]]`,
		`{"a":1,"a":2}`, `{"\u0061\n":"\u0062"}`, `{"":{}}`, `[`, `{"a"`, `{"a":}`, `{"a":1,}`, `"x"`, `{"a":"}`, `{"a\`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		members, errObject := splitObject(text)
		elements, errArray := splitArray(text)
		if !json.Valid(text) || bytes.ContainsRune(text, '\uFFFD') || !json.Valid(bytes.ToValidUTF8(text, nil)) {
			return // it must not panic, and that is all
		}
		var wantMembers map[string]json.RawMessage
		isObject := json.Unmarshal(text, &wantMembers) == nil && wantMembers != nil
		var wantElements []json.RawMessage
		if invalid := (*InvalidError)(nil); isObject && errors.As(errObject, &invalid) && strings.HasPrefix(invalid.Reason, "must not have two") {
			if bytes.Count(text, []byte(":")) <= len(wantMembers) {
				t.Fatalf("%q: %v", text, errObject)
			}
			return
		}
		isArray := json.Unmarshal(text, &wantElements) == nil && wantElements != nil
		if isObject != (errObject == nil) || isArray != (errArray == nil) {
			t.Fatalf("%q: object %v, array %v", text, errObject, errArray)
		}
		if isObject && !cmp.Equal(members, wantMembers) {
			t.Error(cmp.Diff(wantMembers, members))
		}
		if isArray && len(elements)+len(wantElements) > 0 && !cmp.Equal(elements, wantElements) {
			t.Error(cmp.Diff(wantElements, elements))
		}
	})
}
