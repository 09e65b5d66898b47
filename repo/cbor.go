package repo

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/ipfs/go-cid"
)

// cidPrefix begins every CID of a repo's blocks: version 1, DAG-CBOR, SHA-256, 32 bytes.
const cidPrefix = "\x01\x71\x12\x20"

const cidLen = len(cidPrefix) + sha256.Size

// sumCID returns the CID of a block.
func sumCID(block []byte) cid.Cid {
	sum := sha256.Sum256(block)
	b := make([]byte, 0, cidLen)
	b = append(append(b, cidPrefix...), sum[:]...)
	c, err := cid.Cast(b)
	if err != nil {
		panic(err) // the prefix is a constant
	}
	return c
}

// isBlockCID says whether a CID is of the one kind that names blocks of a repo.
func isBlockCID(c cid.Cid) bool {
	s := c.KeyString()
	return len(s) == cidLen && s[:len(cidPrefix)] == cidPrefix
}

var (
	errCBOR      = errors.New("malformed CBOR")
	errCBORDepth = errors.New("CBOR nested too deeply")
)

// maxDepth bounds the nesting of foreign CBOR.
const maxDepth = 64

// checkCBOR says whether block is one CBOR item of definite lengths, nothing after it, not nested deeply. The decoders
// behind it believe lengths and recurse; what passes here can make them do neither beyond what block's own size pays for.
func checkCBOR(block []byte) error {
	var left [maxDepth]uint64 // items yet to come in each open array and map
	depth := 0
	for {
		if len(block) == 0 {
			return errCBOR
		}
		major, info := block[0]>>5, block[0]&0x1f
		block = block[1:]
		n := uint64(info)
		if info >= 24 {
			if info > 27 {
				return errCBOR
			}
			size := 1 << (info - 24)
			if len(block) < size {
				return errCBOR
			}
			var b [8]byte
			copy(b[8-size:], block[:size])
			n = binary.BigEndian.Uint64(b[:])
			block = block[size:]
		}
		open := uint64(0)
		switch major {
		case 2, 3: // byte and text strings
			if n > uint64(len(block)) {
				return errCBOR
			}
			block = block[n:]
		case 4, 5: // arrays and maps: each item is a byte at least
			if n > uint64(len(block)) {
				return errCBOR
			}
			open = n * uint64(major-3)
		case 6: // a tag belongs to the item after it
			open = 1
		}
		if open > 0 {
			if depth == maxDepth {
				return errCBORDepth
			}
			left[depth] = open
			depth++
			continue
		}
		for depth > 0 {
			if left[depth-1]--; left[depth-1] > 0 {
				break
			}
			depth--
		}
		if depth == 0 {
			if len(block) > 0 {
				return errCBOR
			}
			return nil
		}
	}
}
