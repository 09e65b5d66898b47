package plc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOp(t *testing.T) {
	tests := map[string]Op{
		`{"type":"plc_operation","rotationKeys":["k"],"verificationMethods":{"a":"b"},"alsoKnownAs":[],
			"services":{"s":{"type":"t","endpoint":"e"}},"prev":null,"sig":"s"}`: &Operation{
			State: State{RotationKeys: []string{"k"}, VerificationMethods: map[string]string{"a": "b"}, AlsoKnownAs: []string{},
				Services: map[string]Service{"s": {Type: "t", Endpoint: "e"}}},
			Sig: "s",
		},
		`{"type":"plc_tombstone","prev":"p","sig":"s"}`: &Tombstone{Prev: "p", Sig: "s"},
		`{"type":"create","signingKey":"a","recoveryKey":"b","handle":"c","service":"d","prev":null,"sig":"s"}`: &legacyCreate{
			SigningKey: "a", RecoveryKey: "b", Handle: "c", Service: "d", Sig: "s",
		},
	}
	for raw, want := range tests {
		got, err := ParseOp([]byte(raw))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", raw, d)
		}
	}
}

func TestParseOpIsStrict(t *testing.T) {
	const good = `{"type":"plc_operation","rotationKeys":["k"],"verificationMethods":{},"alsoKnownAs":[],` +
		`"services":{"s":{"type":"t","endpoint":"e"}},"prev":null,"sig":"s"}`
	if _, err := ParseOp([]byte(good)); err != nil {
		t.Fatal(err)
	}
	tests := map[string][2]string{
		"another type":                  {`plc_operation`, `plc_thing`},
		"a field more":                  {`"sig":"s"`, `"sig":"s","x":1`},
		"a field twice in another case": {`"sig":"s"`, `"sig":"s","Sig":"t"`},
		"another case":                  {`"sig"`, `"Sig"`},
		"no signature":                  {`,"sig":"s"`, ``},
		"no prev":                       {`"prev":null,`, ``},
		"an empty prev":                 {`"prev":null`, `"prev":""`},
		"a prev of another type":        {`"prev":null`, `"prev":1`},
		"null rotation keys":            {`["k"]`, `null`},
		"a null rotation key":           {`["k"]`, `[null]`},
		"a number for a rotation key":   {`["k"]`, `[1]`},
		"an array of methods":           {`"verificationMethods":{}`, `"verificationMethods":[]`},
		"a null method":                 {`"verificationMethods":{}`, `"verificationMethods":{"a":null}`},
		"null services":                 {`{"s":{"type":"t","endpoint":"e"}}`, `null`},
		"a null service":                {`{"type":"t","endpoint":"e"}`, `null`},
		"a service with a field more":   {`"endpoint":"e"`, `"endpoint":"e","x":"y"`},
		"a service without endpoint":    {`,"endpoint":"e"`, ``},
		"something behind":              {`"sig":"s"}`, `"sig":"s"}x`},
		"invalid UTF-8":                 {`"sig":"s"`, "\"sig\":\"\xff\""},
		"an array":                      {good, `[]`},
		"null":                          {good, `null`},
		"nothing":                       {good, ``},
		"a tombstone without prev":      {good, `{"type":"plc_tombstone","prev":null,"sig":"s"}`},
		"a legacy one with prev":        {good, `{"type":"create","signingKey":"a","recoveryKey":"b","handle":"c","service":"d","prev":"p","sig":"s"}`},
	}
	for name, edit := range tests {
		raw := strings.Replace(good, edit[0], edit[1], 1)
		if raw == good {
			t.Fatalf("%s: nothing edited", name)
		}
		if _, err := ParseOp([]byte(raw)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOperation(f *testing.F) {
	k := newSigner(f)
	for _, op := range []Op{
		sign(f, &Operation{State: stateOf("alice", k)}, k),
		sign(f, &Tombstone{Prev: "bafyreihqa4o4gsyai22ydms6j4cua6yr6tuc7trq2temvnycadk2daniru"}, k),
		&legacyCreate{SigningKey: didKey(k), RecoveryKey: didKey(k), Handle: "alice.test", Service: "pds.test", Sig: "s"},
	} {
		raw, err := json.Marshal(op)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"prev":"0","sig":"","type":"plc_tombstone"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		op, err := ParseOp(raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		checkRoundTrip(t, op)
		// Whatever it says, these answer.
		_ = checkLimits(op)
		did := didOf(t, op)
		if _, err := next(did, nil, op, newClock().now()); err == nil {
			if state, ok := op.Result(); !ok || len(state.RotationKeys) == 0 {
				t.Fatal("a genesis operation without keys")
			}
		}
		if state, ok := op.Result(); ok {
			Data{DID: did, State: state}.document()
		}
	})
}
