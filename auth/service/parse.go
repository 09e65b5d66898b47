package service

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// maxToken is the length in bytes above which a token isn't looked at. Ours have about 400.
const maxToken = 4096

// keyLabel is the ID of the key that signs a moderation service's labels, in its DID document.
const keyLabel = "#atproto_label"

// received is a token that somebody sent. It is well-formed; nothing else is known of it.
type received struct {
	header header
	claims claims
	issuer syntax.DID
	keyID  string

	signed    string // what the signature is of
	signature []byte
}

// parse takes a token apart. Error: [ErrToken].
//
// Tokens don't go through the JWT library. It knows algorithms by a registry that all of the program share, and which has
// ES256 for other kinds of keys than those of DIDs.
func parse(raw string) (*received, error) {
	malformed := ErrToken.With("poorly formatted jwt")
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return nil, malformed
	}
	t := &received{signed: parts[0] + "." + parts[1]}
	if !decodePart(parts[0], &t.header) || !decodePart(parts[1], &t.claims) {
		return nil, malformed
	}
	var err error
	if t.signature, err = base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return nil, malformed
	}
	// The issuer of an older kind of token has the name of a service behind it.
	did, service, _ := strings.Cut(t.claims.Issuer, "#")
	if t.issuer, err = syntax.ParseDID(did); err != nil {
		return nil, ErrToken.Named("BadJwtIss", "jwt iss is not a valid did")
	}
	switch {
	case t.header.KeyID != "":
		t.keyID = t.header.KeyID
	case service == "atproto_labeler":
		t.keyID = keyLabel
	default:
		t.keyID = keyAtproto
	}
	return t, nil
}

func decodePart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(raw, into) == nil
}

// isServiceToken reports whether a token names a method, which no other kind of token does.
func isServiceToken(raw string) bool {
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return false
	}
	var claims struct {
		Method any `json:"lxm"`
	}
	return decodePart(parts[1], &claims) && claims.Method != nil
}

// signedBy reports whether a key has signed the token. The key's kind decides on the algorithm, never the token's header
// alone. Signatures with a high S are accepted, as JWTs have them.
func (t *received) signedBy(key atcrypto.PublicKey) bool {
	alg, err := algorithm(key)
	return err == nil && alg == t.header.Algorithm && key.HashAndVerifyLenient([]byte(t.signed), t.signature) == nil
}
