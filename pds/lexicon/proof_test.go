package lexicon

import (
	"testing"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// FuzzProof: bytes that a stranger sends are an error, and no panic.
func FuzzProof(f *testing.F) {
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		f.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x0a\xa1gversion\x01"))
	f.Add([]byte(":\xa2eroots\x81\xd8*X%\x00\x01q\x12 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaagversion\x01%\x01q\x12 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	f.Fuzz(func(t *testing.T, car []byte) {
		if _, _, err := provenRecord(car, "did:plc:a", "com.example.thing/a", public); err == nil {
			t.Error("a proof without a signature is taken")
		}
	})
}
