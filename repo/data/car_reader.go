package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
)

const (
	maxCARHeader = 4 << 10
	maxBlock     = 2 << 20 // bytes of a block with its CID
)

// CARReader reads a foreign CAR file block by block, in bounded memory, and trusts nothing in it.
//
// It isn't go-car's reader because that allocates whatever length a file claims, up to a limit that
// only a global variable can change; takes every kind of CID and hash; leaves the check of a
// block's CID to the caller; and brings a hundred packages along.
type CARReader struct {
	r    *bufio.Reader
	root cid.Cid
}

// NewCARReader reads the header of a CAR file, which must name just one root. Errors:
// [ErrInvalidCAR]; those of r, wrapped.
func NewCARReader(r io.Reader) (*CARReader, error) {
	c := &CARReader{r: bufio.NewReaderSize(r, 64<<10)}
	header, err := c.section(maxCARHeader)
	if err == io.EOF {
		return nil, fmt.Errorf("%w: empty", ErrInvalidCAR)
	}
	if err != nil {
		return nil, err
	}
	if c.root, err = carRoot(header); err != nil {
		return nil, err
	}
	return c, nil
}

// carRoot returns the one root that a header names. Error: [ErrInvalidCAR].
func carRoot(header []byte) (cid.Cid, error) {
	if err := WellFormed(header); err != nil {
		return cid.Undef, fmt.Errorf("%w: header: %w", ErrInvalidCAR, err)
	}
	version, _, _ := Property(header, "version")
	if major, n, _, ok := head(version); !ok || major != unsigned || n != 1 {
		return cid.Undef, fmt.Errorf("%w: it isn't of version 1", ErrInvalidCAR)
	}
	roots, _, _ := Property(header, "roots")
	major, n, rest, ok := head(roots)
	if !ok || major != array {
		return cid.Undef, fmt.Errorf("%w: no roots", ErrInvalidCAR)
	}
	if n != 1 {
		return cid.Undef, fmt.Errorf("%w: %d roots instead of one", ErrInvalidCAR, n)
	}
	root, _, ok := link(rest)
	if !ok {
		return cid.Undef, fmt.Errorf("%w: the root isn't a link", ErrInvalidCAR)
	}
	return root, nil
}

// Root returns the root that the header names.
func (c *CARReader) Root() cid.Cid { return c.root }

// Next returns the next block, whose CID is of the kind that [SumCID] returns and names what the
// block contains. The caller owns the block. Errors: io.EOF at the end of the file;
// [ErrInvalidCAR]; those of the reader, wrapped.
func (c *CARReader) Next() (cid.Cid, []byte, error) {
	b, err := c.section(maxBlock)
	if err != nil {
		return cid.Undef, nil, err
	}
	if len(b) < cidLen || string(b[:len(cidPrefix)]) != cidPrefix {
		return cid.Undef, nil, fmt.Errorf("%w: block that isn't DAG-CBOR under SHA-256", ErrInvalidCAR)
	}
	block := b[cidLen:]
	sum := SumCID(block)
	if sum.KeyString() != string(b[:cidLen]) {
		return cid.Undef, nil, fmt.Errorf("%w: block %s: %w", ErrInvalidCAR, sum, ErrWrongCID)
	}
	return sum, block, nil
}

// ErrWrongCID: a block isn't what its CID names.
var ErrWrongCID = errors.New("CID doesn't match the content")

// section reads one length-prefixed section, or returns io.EOF at the end of the file. It allocates no more than what has
// arrived, and a little.
func (c *CARReader) section(limit uint64) ([]byte, error) {
	n, err := sectionLength(c.r, limit)
	if err != nil {
		return nil, err
	}
	if n <= 16<<10 {
		b := make([]byte, n)
		_, err := io.ReadFull(c.r, b)
		return b, readError(err)
	}
	var b bytes.Buffer
	_, err = io.CopyN(&b, c.r, int64(n))
	return b.Bytes(), readError(err)
}

// sectionLength reads the length of a section, or returns io.EOF at the end of the file.
func sectionLength(r *bufio.Reader, limit uint64) (n uint64, err error) {
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err == io.EOF && shift == 0 {
			return 0, io.EOF
		}
		if err != nil {
			return 0, readError(err)
		}
		n |= uint64(b&0x7f) << shift
		if n > limit || shift > 28 {
			return 0, fmt.Errorf("%w: section of more than %d bytes", ErrInvalidCAR, limit)
		}
		if b < 0x80 {
			break
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: empty section", ErrInvalidCAR)
	}
	return n, nil
}

// SkipCARHeader reads the header of a CAR file without looking into it, so that the blocks after it
// can be copied behind those of another file. Errors: [ErrInvalidCAR]; those of r, wrapped.
func SkipCARHeader(r *bufio.Reader) error {
	n, err := sectionLength(r, maxCARHeader)
	if err == nil {
		_, err = io.CopyN(io.Discard, r, int64(n))
	}
	return readError(err)
}

// readError tells a file that ends too early from a reader that failed.
func readError(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrInvalidCAR):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: cut off", ErrInvalidCAR)
	}
	return fmt.Errorf("repo: read CAR: %w", err)
}
