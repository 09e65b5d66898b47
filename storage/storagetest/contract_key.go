package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

var keySentences = []sentence{
	{"Keys", "sealed bytes", "Keys keeps secret keys, sealed", testKeys},
	{"Keys.PutKey", "a key", "PutKey stores a sealed key under a name.", testKeys},
	{"Keys.PutKey", "again", "To store the same bytes again is no error.", testKeys},
	{"Keys.PutKey", "other bytes", "Error: [ErrExists] if the name has other bytes.", testKeys},
	{"Keys.Key", "a key", "Key returns the sealed key of a name.", testKeys},
	{"Keys.Key", "absent", "Error: [ErrNotFound].", testKeys},
	{"Keys.DeleteKey", "a key", "DeleteKey removes the key of a name.", testDeleteKey},
}

func testKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	_, err := s.Key(ctx, "name")
	fails(t, "Key", err, storage.ErrNotFound)
	ok(t, "PutKey", s.PutKey(ctx, "name", []byte("\x00sealed\xff")))
	ok(t, "PutKey", s.PutKey(ctx, "name 2", []byte("other")))
	ok(t, "PutKey of the same bytes", s.PutKey(ctx, "name", []byte("\x00sealed\xff")))
	for _, other := range []string{"other", "", "\x00sealed", "\x00sealed\xff\x00"} {
		fails(t, "PutKey of other bytes", s.PutKey(ctx, "name", []byte(other)), storage.ErrExists)
	}
	want(t, "Key", string(must(s.Key(ctx, "name"))(t)), "\x00sealed\xff")
	want(t, "Key", string(must(s.Key(ctx, "name 2"))(t)), "other")
}

func testDeleteKey(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ok(t, "PutKey", s.PutKey(ctx, "name", []byte("sealed")))
	ok(t, "PutKey", s.PutKey(ctx, "name 2", []byte("other")))
	for range 2 {
		ok(t, "DeleteKey", s.DeleteKey(ctx, "name"))
		_, err := s.Key(ctx, "name")
		fails(t, "Key", err, storage.ErrNotFound)
	}
	want(t, "the other key", string(must(s.Key(ctx, "name 2"))(t)), "other")
	ok(t, "PutKey of a name that is free again", s.PutKey(ctx, "name", []byte("new")))
	want(t, "Key", string(must(s.Key(ctx, "name"))(t)), "new")
}
