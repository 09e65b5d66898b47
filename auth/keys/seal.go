package keys

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	sealVersion = 1
	sealIDLen   = 8
	headerLen   = 1 + sealIDLen
	nonceLen    = chacha20poly1305.NonceSizeX
)

// sealer seals and opens with one secret.
type sealer struct {
	header [headerLen]byte
	aead   cipher.AEAD
}

func newSealer(secret []byte) (sealer, error) {
	if len(secret) < MinSecret {
		return sealer{}, fmt.Errorf("keys: the secret has %d bytes, needs %d", len(secret), MinSecret)
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "pdskit auth/keys id", sealIDLen)
	if err != nil {
		return sealer{}, fmt.Errorf("keys: derive: %w", err)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "pdskit auth/keys seal", chacha20poly1305.KeySize)
	if err != nil {
		return sealer{}, fmt.Errorf("keys: derive: %w", err)
	}
	s := sealer{header: [headerLen]byte{sealVersion}}
	copy(s.header[1:], id)
	s.aead, err = chacha20poly1305.NewX(key)
	return s, err
}

// seal returns plain, sealed for a name.
func (s sealer) seal(name string, plain []byte) []byte {
	sealed := make([]byte, headerLen+nonceLen, headerLen+nonceLen+len(plain)+chacha20poly1305.Overhead)
	copy(sealed, s.header[:])
	nonce := sealed[headerLen:]
	rand.Read(nonce)
	return s.aead.Seal(sealed, nonce, plain, s.bound(name))
}

// open is the reverse of seal. Error: [ErrCorrupt].
func (s sealer) open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerLen+nonceLen {
		return nil, ErrCorrupt
	}
	plain, err := s.aead.Open(nil, sealed[headerLen:headerLen+nonceLen], sealed[headerLen+nonceLen:], s.bound(name))
	if err != nil {
		return nil, ErrCorrupt
	}
	return plain, nil
}

// bound is what is authenticated with a key sealed for a name.
func (s sealer) bound(name string) []byte { return append(s.header[:], name...) }

// sealers are those of the present secret, which is the first, and the old ones.
type sealers []sealer

// open opens with the secret that a key was sealed under. Errors: [ErrSealed], [ErrCorrupt].
func (ss sealers) open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerLen || sealed[0] != sealVersion {
		return nil, ErrCorrupt
	}
	for _, s := range ss {
		if bytes.HasPrefix(sealed, s.header[:]) {
			return s.open(name, sealed)
		}
	}
	return nil, ErrSealed
}
