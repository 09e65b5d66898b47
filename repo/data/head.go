package data

import "encoding/binary"

// The major types of CBOR.
//
// Spec: https://www.rfc-editor.org/rfc/rfc8949.html#section-3.1
const (
	unsigned = iota
	negative
	byteString
	textString
	array
	object
	tag
	simple
)

// The items without an argument.
const (
	itemFalse     = simple<<5 | 20
	itemTrue      = simple<<5 | 21
	itemNull      = simple<<5 | 22
	itemUndefined = simple<<5 | 23
)

// linkTag is the tag of a CID.
const linkTag = 42

// head reads the head of an item: its major type and its argument. Items of indefinite length are
// refused.
func head(b []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	major, info := b[0]>>5, b[0]&31
	if b = b[1:]; info < 24 {
		return major, uint64(info), b, true
	}
	size := 1 << (info - 24)
	if info > 27 || len(b) < size {
		return 0, 0, nil, false
	}
	switch size {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b))
	default:
		n = binary.BigEndian.Uint64(b)
	}
	return major, n, b[size:], true
}

// headBytes returns how many bytes the shortest head with an argument has.
func headBytes(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n < 1<<8:
		return 2
	case n < 1<<16:
		return 3
	case n < 1<<32:
		return 5
	}
	return 9
}

// appendHead appends the shortest head with an argument.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch headBytes(n) {
	case 1:
		return append(dst, major<<5|byte(n))
	case 2:
		return append(dst, major<<5|24, byte(n))
	case 3:
		return binary.BigEndian.AppendUint16(append(dst, major<<5|25), uint16(n))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major<<5|27), n)
}

func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, textString, uint64(len(s))), s...)
}

// str reads a byte or text string.
func str(b []byte, major byte) (s, rest []byte, ok bool) {
	got, n, rest, ok := head(b)
	if !ok || got != major || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}
