package plc

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// cborText and cborMap spell DAG-CBOR out, for strings and maps of fewer than 24 bytes and fields.
func cborText(s string) string {
	if len(s) < 24 {
		return string([]byte{0x60 | byte(len(s))}) + s
	}
	return string([]byte{0x78, byte(len(s))}) + s
}

func cborMap(n int) string   { return string([]byte{0xa0 | byte(n)}) }
func cborArray(n int) string { return string([]byte{0x80 | byte(n)}) }

func TestEncodeIsCanonical(t *testing.T) {
	op := &Operation{
		State: State{
			RotationKeys:        []string{"did:key:zA", "did:key:zB"},
			VerificationMethods: map[string]string{"zz": "did:key:zC", "aaa": "did:key:zD"},
			AlsoKnownAs:         []string{"at://alice.test"},
			Services:            map[string]Service{"atproto_pds": {Type: "T", Endpoint: "E"}},
		},
		Sig: "sig",
	}
	// The fields are ordered by length, then byte by byte.
	want := cborMap(7) +
		cborText("sig") + cborText("sig") +
		cborText("prev") + "\xf6" +
		cborText("type") + cborText("plc_operation") +
		cborText("services") + cborMap(1) + cborText("atproto_pds") +
		cborMap(2) + cborText("type") + cborText("T") + cborText("endpoint") + cborText("E") +
		cborText("alsoKnownAs") + cborArray(1) + cborText("at://alice.test") +
		cborText("rotationKeys") + cborArray(2) + cborText("did:key:zA") + cborText("did:key:zB") +
		cborText("verificationMethods") + cborMap(2) +
		cborText("zz") + cborText("did:key:zC") + cborText("aaa") + cborText("did:key:zD")
	got, err := encodeSigned(op)
	if err != nil || string(got) != want {
		t.Errorf("%q, %v\nwant %q", got, err, want)
	}
	unsigned := cborMap(6) + strings.TrimPrefix(want, cborMap(7)+cborText("sig")+cborText("sig"))
	if got, err := encodeUnsigned(op); err != nil || string(got) != unsigned {
		t.Errorf("unsigned %q, %v\nwant %q", got, err, unsigned)
	}

	sum := sha256.Sum256([]byte(want))
	b32 := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	if did := didOf(t, op); did.String() != "did:plc:"+b32[:24] {
		t.Errorf("DID %s", did)
	}
	binary := append([]byte{0x01, 0x71, 0x12, 0x20}, sum[:]...) // CIDv1, DAG-CBOR, SHA-256 of 32 bytes
	b32 = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(binary))
	if c := cidOf(t, op); c != "b"+b32 {
		t.Errorf("CID %s", c)
	}
}

func TestEncodeAgreesWithJSON(t *testing.T) {
	k := newSigner(t)
	ops := []Op{
		&Operation{Sig: "s"},
		sign(t, &Operation{State: stateOf("alice", k)}, k),
		sign(t, &Operation{State: stateOf("alice", k), Prev: "bafy"}, k),
		sign(t, &Tombstone{Prev: "bafy"}, k),
		&legacyCreate{SigningKey: "a", RecoveryKey: "b", Handle: "c", Service: "d", Sig: "e"},
	}
	for _, op := range ops {
		checkRoundTrip(t, op)
	}
}

// checkRoundTrip wants an operation to be the same through JSON, and its CBOR to say what its JSON says.
func checkRoundTrip(t *testing.T, op Op) {
	t.Helper()
	raw, err := json.Marshal(op)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseOp(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if cidOf(t, again) != cidOf(t, op) {
		t.Errorf("%s: another CID after a round trip", raw)
	}
	bin, err := encodeSigned(op)
	if err != nil {
		t.Fatal(err)
	}
	fromCBOR, err := atdata.UnmarshalCBOR(bin)
	if err != nil {
		t.Fatalf("%x: %v", bin, err)
	}
	var fromJSON map[string]any
	if err := json.Unmarshal(raw, &fromJSON); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromCBOR, fromJSON) {
		t.Errorf("CBOR %v\nJSON %v", fromCBOR, fromJSON)
	}
}

func TestCheckDID(t *testing.T) {
	for _, did := range []string{"did:plc:ewvi7nxzyoun6zhxrhs64oiz"} {
		if err := CheckDID(syntax.DID(did)); err != nil {
			t.Error(err)
		}
	}
	for _, did := range []string{
		"", "did:web:example.com", "did:plc:", "did:plc:ewvi7nxzyoun6zhxrhs64oi", "did:plc:ewvi7nxzyoun6zhxrhs64oizz",
		"did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ", "did:plc:ewvi7nxzyoun6zhxrhs64oi1", "did:plc:ewvi7nxzyoun6zhxrhs64/iz",
	} {
		if CheckDID(syntax.DID(did)) == nil {
			t.Errorf("%q passes", did)
		}
	}
}
