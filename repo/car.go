package repo

import (
	"encoding/binary"
	"io"

	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// appendCARHeader appends the header of a CAR file of version 1 with one root, or with none if it is undefined.
//
// Spec: https://ipld.io/specs/transport/car/carv1/
func appendCARHeader(b []byte, root cid.Cid) []byte {
	h := append(make([]byte, 0, 64), "\xa2\x65roots"...)
	if root.Defined() {
		h = append(h, 0x81, 0xd8, 42, 0x58, byte(root.ByteLen()+1), 0) // one link
		h = append(h, root.KeyString()...)
	} else {
		h = append(h, 0x80)
	}
	h = append(h, "\x67version\x01"...)
	return append(binary.AppendUvarint(b, uint64(len(h))), h...)
}

func appendCARBlock(b []byte, c cid.Cid, block []byte) []byte {
	b = binary.AppendUvarint(b, uint64(c.ByteLen()+len(block)))
	b = append(b, c.KeyString()...)
	return append(b, block...)
}

// writeCARBlock writes a block without copying it.
func writeCARBlock(w io.Writer, c cid.Cid, block []byte) error {
	var b [binary.MaxVarintLen64 + cidLen]byte
	head := binary.AppendUvarint(b[:0], uint64(c.ByteLen()+len(block)))
	if _, err := w.Write(append(head, c.KeyString()...)); err != nil {
		return err
	}
	_, err := w.Write(block)
	return err
}

// carOf returns the CAR file of a commit and further blocks.
func carOf(head storage.Head, blocks []storage.Block) []byte {
	size := 128 + len(head.Block)
	for _, b := range blocks {
		size += cidLen + 8 + len(b.Bytes)
	}
	car := appendCARHeader(make([]byte, 0, size), head.Commit)
	car = appendCARBlock(car, head.Commit, head.Block)
	for _, b := range blocks {
		car = appendCARBlock(car, b.CID, b.Bytes)
	}
	return car
}
