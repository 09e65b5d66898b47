package plc

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// encodeSigned returns the canonical DAG-CBOR of a signed operation, which its CID and, for a
// genesis operation, the DID are hashes of.
func encodeSigned(op Op) ([]byte, error) {
	f := op.fields()
	f["sig"] = op.Signature()
	return encode(f)
}

// encodeUnsigned returns the canonical DAG-CBOR of an operation without its signature: the bytes
// that are signed.
func encodeUnsigned(op Op) ([]byte, error) { return encode(op.fields()) }

func encode(f map[string]any) ([]byte, error) {
	b, err := atdata.MarshalCBOR(f)
	if err != nil {
		return nil, fmt.Errorf("plc: encoding an operation: %w", err)
	}
	return b, nil
}

// CID returns the CID of a signed operation.
func CID(op Op) (cid.Cid, error) {
	b, err := encodeSigned(op)
	if err != nil {
		return cid.Undef, err
	}
	return cid.V1Builder{Codec: cid.DagCBOR, MhType: multihash.SHA2_256}.Sum(b)
}

// GenesisDID returns the DID that a signed genesis operation makes.
func GenesisDID(op Op) (syntax.DID, error) {
	b, err := encodeSigned(op)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return syntax.DID(didPrefix + strings.ToLower(id[:idLength])), nil
}

const (
	didPrefix = "did:plc:"
	idLength  = 24 // base32 characters
)

// CheckDID says whether a DID has the form of a did:plc. Error: [ErrNotPLC].
func CheckDID(did syntax.DID) error {
	id, ok := strings.CutPrefix(did.String(), didPrefix)
	if !ok || len(id) != idLength || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return fmt.Errorf("%w: %q", ErrNotPLC, did)
	}
	return nil
}

// MarshalJSON returns the form that directories take and give.
func (o *Operation) MarshalJSON() ([]byte, error) { return marshalOp(o) }

// MarshalJSON returns the form that directories take and give.
func (t *Tombstone) MarshalJSON() ([]byte, error) { return marshalOp(t) }

// MarshalJSON returns the form that directories give.
func (c *legacyCreate) MarshalJSON() ([]byte, error) { return marshalOp(c) }

func marshalOp(op Op) ([]byte, error) {
	f := op.fields()
	f["sig"] = op.Signature()
	return json.Marshal(f)
}
