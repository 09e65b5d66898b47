package data

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"

	"github.com/ipfs/go-cid"
)

// ErrInvalidCAR: a file isn't a CAR file of version 1 with the blocks of a repo.
var ErrInvalidCAR = errors.New("repo: invalid CAR")

// AppendCARHeader appends the header of a CAR file of version 1 with one root, or with none if it
// is undefined.
//
// Spec: https://ipld.io/specs/transport/car/carv1/
func AppendCARHeader(dst []byte, root cid.Cid) []byte {
	h := appendText(appendHead(make([]byte, 0, 64), object, 2), "roots")
	if root.Defined() {
		h = appendLink(appendHead(h, array, 1), root)
	} else {
		h = appendHead(h, array, 0)
	}
	h = appendHead(appendText(h, "version"), unsigned, 1)
	return append(binary.AppendUvarint(dst, uint64(len(h))), h...)
}

// AppendCARBlock appends a block of a CAR file.
func AppendCARBlock(dst []byte, c cid.Cid, block []byte) []byte {
	return append(appendCARBlockHead(dst, c, block), block...)
}

// WriteCARBlock writes a block of a CAR file without copying it.
func WriteCARBlock(w io.Writer, c cid.Cid, block []byte) error {
	var b [binary.MaxVarintLen64 + cidLen]byte
	if _, err := w.Write(appendCARBlockHead(b[:0], c, block)); err != nil {
		return err
	}
	_, err := w.Write(block)
	return err
}

// CARBlockBytes is how many bytes a block of a CAR file takes at most, beside those of the block.
const CARBlockBytes = cidLen + 8

func appendCARBlockHead(dst []byte, c cid.Cid, block []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.ByteLen()+len(block)))
	return append(dst, c.KeyString()...)
}

// CARBlocks yields the blocks of a CAR file that is in memory and can be trusted: whether a block
// is what its CID names isn't looked at, and a malformed file just ends. The blocks are the file's
// bytes, and not to be altered. [NewCARReader] is for foreign files.
func CARBlocks(car []byte) iter.Seq2[cid.Cid, []byte] {
	return func(yield func(cid.Cid, []byte) bool) {
		_, rest, ok := section(car) // the header
		for ok {
			var s []byte
			if s, rest, ok = section(rest); !ok {
				return
			}
			n, c, err := cid.CidFromBytes(s)
			if err != nil || !yield(c, s[n:]) {
				return
			}
		}
	}
}

// section takes the next section off a CAR file.
func section(car []byte) (s, rest []byte, ok bool) {
	n, size := binary.Uvarint(car)
	if size <= 0 || n > uint64(len(car)-size) {
		return nil, nil, false
	}
	car = car[size:]
	return car[:n:n], car[n:], true
}
