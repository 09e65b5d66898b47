package repo

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car"
)

const (
	maxCARHeader = 4 << 10
	maxBlock     = 2 << 20 // bytes of a block with its CID
)

// carReader reads a foreign CAR file of version 1, block by block.
//
// It isn't go-car's reader because that allocates whatever length a file claims, up to a limit that only a global
// variable can change; takes every kind of CID and hash; and leaves the check of a block's CID to the caller.
type carReader struct{ r *bufio.Reader }

// newCARReader reads the header, and returns the root, of which there must be just one.
func newCARReader(r io.Reader) (*carReader, cid.Cid, error) {
	c := &carReader{bufio.NewReaderSize(r, 64<<10)}
	header, err := c.section(maxCARHeader)
	if err == io.EOF {
		return nil, cid.Undef, fmt.Errorf("%w: empty", ErrInvalidCAR)
	}
	if err != nil {
		return nil, cid.Undef, err
	}
	if err := checkCBOR(header); err != nil {
		return nil, cid.Undef, fmt.Errorf("%w: header: %w", ErrInvalidCAR, err)
	}
	framed := append(binary.AppendUvarint(nil, uint64(len(header))), header...)
	h, err := car.ReadHeader(bufio.NewReader(bytes.NewReader(framed)))
	if err != nil {
		return nil, cid.Undef, fmt.Errorf("%w: %w", ErrInvalidCAR, err)
	}
	if h.Version != 1 {
		return nil, cid.Undef, fmt.Errorf("%w: CAR version %d", ErrInvalidCAR, h.Version)
	}
	if len(h.Roots) != 1 {
		return nil, cid.Undef, fmt.Errorf("%w: %d roots instead of one", ErrInvalidCAR, len(h.Roots))
	}
	return c, h.Roots[0], nil
}

// next returns the next block, the content of which its CID names, or io.EOF at the end of the file.
func (c *carReader) next() (cid.Cid, []byte, error) {
	b, err := c.section(maxBlock)
	if err != nil {
		return cid.Undef, nil, err
	}
	if len(b) < cidLen || string(b[:len(cidPrefix)]) != cidPrefix {
		return cid.Undef, nil, fmt.Errorf("%w: block that isn't DAG-CBOR under SHA-256", ErrInvalidCAR)
	}
	block := b[cidLen:]
	sum := sumCID(block)
	if sum.KeyString() != string(b[:cidLen]) {
		return cid.Undef, nil, fmt.Errorf("%w: block %s: %w", ErrInvalidCAR, sum, errWrongCID)
	}
	return sum, block, nil
}

// section reads one length-prefixed section, or returns io.EOF at the end of the file. It allocates no more than what has
// arrived, and a little.
func (c *carReader) section(limit uint64) ([]byte, error) {
	var n uint64
	for shift := 0; ; shift += 7 {
		b, err := c.r.ReadByte()
		if err == io.EOF && shift == 0 {
			return nil, io.EOF
		}
		if err != nil {
			return nil, readError(err)
		}
		n |= uint64(b&0x7f) << shift
		if n > limit || shift > 28 {
			return nil, fmt.Errorf("%w: section of more than %d bytes", ErrInvalidCAR, limit)
		}
		if b < 0x80 {
			break
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: empty section", ErrInvalidCAR)
	}
	if n <= 16<<10 {
		b := make([]byte, n)
		_, err := io.ReadFull(c.r, b)
		return b, readError(err)
	}
	var b bytes.Buffer
	_, err := io.CopyN(&b, c.r, int64(n))
	return b.Bytes(), readError(err)
}

// readError tells a file that ends too early from a reader that failed.
func readError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: cut off", ErrInvalidCAR)
	}
	return fmt.Errorf("repo: read CAR: %w", err)
}
