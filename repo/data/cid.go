package data

import (
	"crypto/sha256"

	"github.com/ipfs/go-cid"
)

const (
	cidPrefix = "\x01\x71\x12\x20" // version 1, DAG-CBOR, SHA-256, 32 bytes
	rawPrefix = "\x01\x55\x12\x20" // the same of bytes as they are

	cidLen = len(cidPrefix) + sha256.Size
)

// SumCID returns the CID of a block of a repo: of its DAG-CBOR, under SHA-256.
//
// Spec: https://atproto.com/specs/data-model#link-and-cid-formats
func SumCID(block []byte) cid.Cid {
	sum := sha256.Sum256(block)
	b := make([]byte, 0, cidLen)
	b = append(append(b, cidPrefix...), sum[:]...)
	c, err := cid.Cast(b)
	if err != nil {
		panic(err) // the prefix is a constant
	}
	return c
}

// IsBlockCID reports whether c is of the one kind that names blocks of a repo, the kind that
// [SumCID] returns.
func IsBlockCID(c cid.Cid) bool {
	s := c.KeyString()
	return len(s) == cidLen && s[:len(cidPrefix)] == cidPrefix
}
