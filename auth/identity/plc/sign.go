package plc

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// Signer signs with one rotation key, wherever that is kept.
type Signer interface {
	// PublicKey returns the public half of the key: P-256 or K-256.
	PublicKey() atcrypto.PublicKey

	// Sign returns the ECDSA signature of the SHA-256 of data: r and s of 32 bytes each, with the lower of the two
	// possible s.
	Sign(ctx context.Context, data []byte) ([]byte, error)
}

// NewSigner returns a [Signer] with a key that lies in memory.
func NewSigner(key atcrypto.PrivateKey) (Signer, error) {
	pub, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("plc: public key: %w", err)
	}
	return keySigner{key, pub}, nil
}

type keySigner struct {
	private atcrypto.PrivateKey
	public  atcrypto.PublicKey
}

func (k keySigner) PublicKey() atcrypto.PublicKey { return k.public }

func (k keySigner) Sign(_ context.Context, data []byte) ([]byte, error) {
	return k.private.HashAndSign(data)
}

// Sign signs an operation, in place: an [*Operation] or a [*Tombstone]. It checks that a directory
// will take the content, and what the signer returns, so that one that signs wrongly is found here
// and not by the directory. Errors, beside those of the signer: [ErrMalformed].
func Sign(ctx context.Context, op Op, s Signer) error {
	if err := signOp(ctx, op, s); err != nil {
		return err
	}
	return checkLimits(op)
}

// signOp is Sign without a look at the content.
func signOp(ctx context.Context, op Op, s Signer) error {
	data, err := encodeUnsigned(op)
	if err != nil {
		return err
	}
	sig, err := s.Sign(ctx, data)
	if err != nil {
		return fmt.Errorf("plc: signing: %w", err)
	}
	if err := s.PublicKey().HashAndVerify(data, sig); err != nil {
		return fmt.Errorf("%w: made by the signer of %s", errSignature, s.PublicKey().DIDKey())
	}
	op.setSignature(base64.RawURLEncoding.EncodeToString(sig))
	return nil
}

// verifySignature returns the index of the first of some keys, given as did:key, that signed an
// operation. Keys of unknown types have signed nothing. Error: errSignature.
func verifySignature(op Op, keys []string) (int, error) {
	data, err := encodeUnsigned(op)
	if err != nil {
		return 0, err
	}
	if sig, ok := decodeSignature(op.Signature()); ok {
		for i, k := range keys {
			pub, err := atcrypto.ParsePublicDIDKey(k)
			if err == nil && pub.HashAndVerify(data, sig) == nil {
				return i, nil
			}
		}
	}
	shown, err := marshalOp(op)
	if err != nil {
		return 0, err
	}
	return 0, invalid(errSignature, "Invalid signature on op: %s", shown)
}

// signatureSize is that of r and s of a curve of 256 bits, so that no ASN.1 form gets through.
const signatureSize = 64

// decodeSignature takes exactly one spelling of each signature, since the CID depends on the spelling: no padding, no
// line breaks, no stray bits at the end.
func decodeSignature(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return sig, err == nil && len(sig) == signatureSize
}
