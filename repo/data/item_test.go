package data

import (
	"bytes"
	"strings"
	"testing"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
)

func TestWellFormed(t *testing.T) {
	for s, ok := range map[string]bool{
		"\xa0": true, "\xa1\x61a\x01": true, "\x82\x01\x80": true, "\xd8\x2a\x41\x00": true, "\xf6": true, "\x19\x01\x00": true,
		"": false, "\xa1\x61a": false, "\xa0\xa0": false, "\x9f\xff": false, "\x5f\xff": false, "\x62a": false,
		"\x9b\xff\xff\xff\xff\xff\xff\xff\xff": false, "\xbb\x80\x00\x00\x00\x00\x00\x00\x00": false, "\x1b\x00": false,
		"\xd8\x2a": false, "\x82\x81\x81\x01\x02": true, "\x82\x81\x81\x01": false, "\xa1\xa1\x01\x02\x03": true,
		strings.Repeat("\x81", MaxStoredDepth) + "\x00":   true,
		strings.Repeat("\x81", MaxStoredDepth+1) + "\x00": false,
	} {
		if err := WellFormed([]byte(s)); (err == nil) != ok {
			t.Errorf("WellFormed(%.20x): %v", s, err)
		}
	}
}

func TestSplit(t *testing.T) {
	item, rest, err := Split([]byte("\xa1\x61a\x82\x01\x02\x61b\xff"))
	if err != nil || string(item) != "\xa1\x61a\x82\x01\x02" || string(rest) != "\x61b\xff" {
		t.Errorf("Split: %x, %x, %v", item, rest, err)
	}
	if item, rest, err := Split([]byte("\xa1\x61a")); err == nil {
		t.Errorf("Split of half an item: %x, %x", item, rest)
	}
}

func TestProperty(t *testing.T) {
	object := "\xa3\x61a\x81\x01\x61b\xa1\x61c\x02\x61c\x61x"
	for name, want := range map[string]string{"a": "\x81\x01", "b": "\xa1\x61c\x02", "c": "\x61x"} {
		value, rest, ok := Property([]byte(object+"more"), name)
		if !ok || string(value) != want || !strings.HasPrefix(object+"more", object[:len(object)-len(rest)+4]) {
			t.Errorf("%s is %x, then %x, %t", name, value, rest, ok)
		}
	}
	for _, b := range []string{object, "", "\x80", "\xa1", "\xa1\x01\x01", "\xa1\x61d", "\xa2\x61a\x82\x01\x61d\x01"} {
		if value, _, ok := Property([]byte(b), "d"); ok {
			t.Errorf("the property d of %x is %x", b, value)
		}
	}
}

func TestSubject(t *testing.T) {
	encode := func(s string) []byte {
		record, err := FromJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		b, err := Encode(record)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for s, want := range map[string]string{
		`{"$type":"app.bsky.graph.follow","subject":"did:plc:a","createdAt":"2026-01-02T12:00:00Z"}`:                "did:plc:a",
		`{"$type":"app.bsky.feed.like","subject":{"cid":"bafy","uri":"at://did:plc:a/app.bsky.feed.post/1"},"z":0}`: "at://did:plc:a/app.bsky.feed.post/1",
		`{"subject":{"cid":"bafy"}}`: "", `{"subject":{"uri":1}}`: "", `{"subject":1}`: "", `{"subject":["did:plc:a"]}`: "",
		`{"subject":null}`: "", `{"a":{"subject":"did:plc:a"}}`: "", `{}`: "", `{"uri":"at://did:plc:a"}`: "",
		`{"subject":""}`: "", `{"subject":{"uri":{"uri":"x"}}}`: "",
	} {
		if got := Subject(encode(s)); got != want {
			t.Errorf("the subject of %s is %q, want %q", s, got, want)
		}
	}
	for _, junk := range []string{"", "\xff", "\xa1", "\xa1\x67subject", "\xa1\x67subject\x62a", "\xa1\x67subject\x61\xff", "\x67subject"} {
		if got := Subject([]byte(junk)); got != "" {
			t.Errorf("the subject of %x is %q", junk, got)
		}
	}
}

// FuzzSubject: of a record that may be written, the subject is what decoding it gives. Junk has
// none, and does no harm.
func FuzzSubject(f *testing.F) {
	f.Add([]byte("\xa1\x67subject\x61x"))
	f.Add([]byte("\xa1\x67subject\xa1\x63uri\x61x"))
	f.Add([]byte("\xa2\x61a\x82\x01\x80\x67subject\xa2\x63cid\x61y\x63uri\x61x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := Subject(b)
		if Check(b) != nil {
			return
		}
		record, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		switch subject := record["subject"].(type) {
		case string:
			want = subject
		case map[string]any:
			want, _ = subject["uri"].(string)
		}
		if got != want {
			t.Errorf("the subject of %v is %q, want %q", record, got, want)
		}
	})
}

// FuzzItem: what Split takes off is well-formed, and generated decoders do no harm with it.
func FuzzItem(f *testing.F) {
	f.Add([]byte("\xa1\x61a\x82\x01\x02\x61b"))
	body, err := AccountBody("did:web:a.example", "deactivated", noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, b []byte) {
		item, rest, err := Split(b)
		if err != nil {
			return
		}
		if !bytes.Equal(append(bytes.Clone(item), rest...), b) || WellFormed(item) != nil {
			t.Errorf("%x is split into %x and %x", b, item, rest)
		}
		Unmarshal(item, new(comatproto.SyncSubscribeRepos_Account))
		Unmarshal(item, new(comatproto.SyncSubscribeRepos_Commit))
	})
}

func BenchmarkSubject(b *testing.B) {
	record, err := FromJSON([]byte(`{"$type":"app.bsky.feed.like","createdAt":"2026-01-02T12:00:00Z","subject":{"cid":"bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a","uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kaaaaaaaaa2a"}}`))
	if err != nil {
		b.Fatal(err)
	}
	like, err := Encode(record)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Subject(like)
	}
}
