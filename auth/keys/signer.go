package keys

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// Signer signs with one key of a [Keyring], for what isn't asked for by an account's DID: a rotation key, say.
type Signer struct {
	ring   *Keyring
	name   string
	public atcrypto.PublicKey
}

// Signer returns the signer of a name.
func (k *Keyring) Signer(ctx context.Context, name string) (*Signer, error) {
	public, err := k.Public(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Signer{ring: k, name: name, public: public}, nil
}

// PublicKey returns the public key that the signatures are verified with.
func (s *Signer) PublicKey() atcrypto.PublicKey { return s.public }

// Sign returns the key's signature of data: of its SHA-256, compact, with a low S.
func (s *Signer) Sign(ctx context.Context, data []byte) ([]byte, error) {
	return s.ring.sign(ctx, s.name, data)
}
