package keys

import (
	"fmt"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// Kind is the kind of a signing key: its curve.
//
// Spec: https://atproto.com/specs/cryptography
type Kind byte

const (
	K256 Kind = 1 // secp256k1
	P256 Kind = 2 // NIST P-256

	// random is the kind of what [Keyring.Secret] makes.
	random Kind = 3
)

// String returns "K-256" or "P-256".
func (k Kind) String() string {
	switch k {
	case K256:
		return "K-256"
	case P256:
		return "P-256"
	case random:
		return "random bytes"
	}
	return fmt.Sprintf("Kind(%d)", byte(k))
}

// generate returns a new key.
func (k Kind) generate() (atcrypto.PrivateKey, error) {
	switch k {
	case K256:
		return atcrypto.GeneratePrivateKeyK256()
	case P256:
		return atcrypto.GeneratePrivateKeyP256()
	}
	return nil, fmt.Errorf("keys: no signing key can be of %v", k)
}

// encode returns a key as the bytes to seal.
func encode(key atcrypto.PrivateKey) ([]byte, error) {
	switch key := key.(type) {
	case *atcrypto.PrivateKeyK256:
		if key != nil {
			return append([]byte{byte(K256)}, key.Bytes()...), nil
		}
	case *atcrypto.PrivateKeyP256:
		if key != nil {
			return append([]byte{byte(P256)}, key.Bytes()...), nil
		}
	}
	return nil, fmt.Errorf("keys: a %T can't be stored", key)
}

// decode is the reverse of encode. Errors: [ErrKind], [ErrCorrupt].
func decode(plain []byte) (atcrypto.PrivateKey, error) {
	if len(plain) == 0 {
		return nil, ErrCorrupt
	}
	var key atcrypto.PrivateKey
	var err error
	switch kind, raw := Kind(plain[0]), plain[1:]; kind {
	case K256:
		key, err = atcrypto.ParsePrivateBytesK256(raw)
	case P256:
		key, err = atcrypto.ParsePrivateBytesP256(raw)
	default:
		return nil, fmt.Errorf("%w: %v", ErrKind, kind)
	}
	if err != nil {
		return nil, ErrCorrupt // the cause could quote the key
	}
	return key, nil
}
