package xrpc

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
)

var errCBOR = errors.New("xrpc: not DAG-CBOR of the data model")

// maxDepth bounds the nesting of stored values.
const maxDepth = 1 << 14

// AppendJSON appends the JSON form of a value of the data model that is given as DAG-CBOR. It translates the one encoding
// into the other directly: listing records is mostly this, and a detour through maps costs many times as much. It trusts
// the bytes no further than that it neither panics nor writes anything that isn't JSON.
//
// Spec: https://atproto.com/specs/data-model
func AppendJSON(dst, value []byte) ([]byte, error) {
	dst, rest, err := appendItem(dst, value, 0)
	if err == nil && len(rest) > 0 {
		err = errCBOR
	}
	return dst, err
}

// The major types of CBOR.
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

func appendItem(dst, b []byte, depth int) ([]byte, []byte, error) {
	major, n, b, err := head(b)
	if err != nil || depth > maxDepth {
		return dst, nil, errCBOR
	}
	switch major {
	case unsigned:
		return strconv.AppendUint(dst, n, 10), b, nil
	case negative:
		return strconv.AppendInt(dst, -1-int64(n), 10), b, nil
	case byteString, textString:
		if n > uint64(len(b)) {
			return dst, nil, errCBOR
		}
		if major == textString {
			return appendString(dst, b[:n]), b[n:], nil
		}
		dst = append(dst, `{"$bytes":"`...)
		dst = base64.RawStdEncoding.AppendEncode(dst, b[:n])
		return append(dst, `"}`...), b[n:], nil
	case array:
		return appendArray(dst, b, n, depth)
	case object:
		return appendObject(dst, b, n, depth)
	case tag:
		return appendLink(dst, b, n)
	}
	switch n {
	case 20:
		return append(dst, "false"...), b, nil
	case 21:
		return append(dst, "true"...), b, nil
	case 22:
		return append(dst, "null"...), b, nil
	}
	return dst, nil, errCBOR
}

func appendArray(dst, b []byte, n uint64, depth int) ([]byte, []byte, error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, b, err = appendItem(dst, b, depth+1); err != nil {
			return dst, nil, err
		}
	}
	return append(dst, ']'), b, nil
}

func appendObject(dst, b []byte, n uint64, depth int) ([]byte, []byte, error) {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		major, size, rest, err := head(b)
		if err != nil || major != textString || size > uint64(len(rest)) {
			return dst, nil, errCBOR
		}
		dst = append(appendString(dst, rest[:size]), ':')
		if dst, b, err = appendItem(dst, rest[size:], depth+1); err != nil {
			return dst, nil, err
		}
	}
	return append(dst, '}'), b, nil
}

// appendLink appends a CID, which is a byte string with a zero byte in front, under tag 42.
func appendLink(dst, b []byte, n uint64) ([]byte, []byte, error) {
	major, size, b, err := head(b)
	if err != nil || n != 42 || major != byteString || size < 2 || size > uint64(len(b)) || b[0] != 0 {
		return dst, nil, errCBOR
	}
	c, err := cid.Cast(b[1:size])
	if err != nil {
		return dst, nil, errCBOR
	}
	dst = append(dst, `{"$link":"`...)
	dst = append(dst, c.String()...)
	return append(dst, `"}`...), b[size:], nil
}

// head reads the head of an item: its major type and its argument.
func head(b []byte) (major byte, n uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, errCBOR
	}
	major, info := b[0]>>5, b[0]&31
	b = b[1:]
	if info < 24 {
		return major, uint64(info), b, nil
	}
	size := 1 << (info - 24)
	if info > 27 || len(b) < size || major == simple {
		return 0, 0, nil, errCBOR
	}
	var buf [8]byte
	copy(buf[8-size:], b[:size])
	n = binary.BigEndian.Uint64(buf[:])
	if major == negative && n > 1<<63-1 {
		return 0, 0, nil, errCBOR
	}
	return major, n, b[size:], nil
}

func appendString(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendQuoted(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendQuoted is appendString for strings that aren't plain ASCII.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r < ' ' || r == '"' || r == '\\':
			quoted, _ := json.Marshal(string(r))
			dst = append(dst, quoted[1:len(quoted)-1]...)
		default:
			dst = append(dst, s[:size]...)
		}
		s = s[size:]
	}
	return append(dst, '"')
}
