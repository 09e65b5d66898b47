package data

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

var errNotJSON = errors.New("not DAG-CBOR of the data model")

// AppendJSON appends the JSON form of a value of the data model that is given as DAG-CBOR. It
// doesn't decode the value first, which would cost many times as much: listing records is mostly
// this.
//
// It reads what is stored, not only what [Check] accepts: numbers with a fraction, and values
// nested down to [MaxStoredDepth] levels. Error: the bytes aren't one such value. What is appended
// before the error isn't JSON.
//
// Spec: https://atproto.com/specs/data-model#json-representation
func AppendJSON(dst, value []byte) ([]byte, error) {
	dst, rest, err := appendItemJSON(dst, value, 0)
	if err == nil && len(rest) > 0 {
		err = errNotJSON
	}
	return dst, err
}

func appendItemJSON(dst, b []byte, levels int) (out, rest []byte, err error) {
	major, n, rest, ok := head(b)
	if !ok || levels > MaxStoredDepth {
		return dst, nil, errNotJSON
	}
	switch major {
	case unsigned:
		return strconv.AppendUint(dst, n, 10), rest, nil
	case negative:
		if n > math.MaxInt64 {
			return dst, nil, errNotJSON
		}
		return strconv.AppendInt(dst, -1-int64(n), 10), rest, nil
	case byteString, textString:
		if n > uint64(len(rest)) {
			return dst, nil, errNotJSON
		}
		if major == textString {
			return appendString(dst, rest[:n]), rest[n:], nil
		}
		dst = append(dst, `{"$bytes":"`...)
		dst = base64.RawStdEncoding.AppendEncode(dst, rest[:n])
		return append(dst, `"}`...), rest[n:], nil
	case array:
		return appendArrayJSON(dst, rest, n, levels+1)
	case object:
		return appendObjectJSON(dst, rest, n, levels+1)
	case tag:
		return appendLinkJSON(dst, rest, n)
	}
	return appendSimpleJSON(dst, b, rest)
}

func appendArrayJSON(dst, b []byte, n uint64, levels int) (out, rest []byte, err error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, b, err = appendItemJSON(dst, b, levels); err != nil {
			return dst, nil, err
		}
	}
	return append(dst, ']'), b, nil
}

func appendObjectJSON(dst, b []byte, n uint64, levels int) (out, rest []byte, err error) {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		key, value, ok := str(b, textString)
		if !ok {
			return dst, nil, errNotJSON
		}
		dst = append(appendString(dst, key), ':')
		if dst, b, err = appendItemJSON(dst, value, levels); err != nil {
			return dst, nil, err
		}
	}
	return append(dst, '}'), b, nil
}

// appendLinkJSON appends the CID of an item under a tag.
func appendLinkJSON(dst, b []byte, n uint64) (out, rest []byte, err error) {
	c, rest, ok := cidBytes(b)
	if !ok || n != linkTag {
		return dst, nil, errNotJSON
	}
	dst = append(dst, `{"$link":"`...)
	dst = append(dst, c.String()...)
	return append(dst, `"}`...), rest, nil
}

// appendSimpleJSON appends an item without an argument, or a number with a fraction, which imports
// used to accept.
func appendSimpleJSON(dst, b, rest []byte) ([]byte, []byte, error) {
	var number float64
	switch b[0] {
	case itemFalse:
		return append(dst, "false"...), rest, nil
	case itemTrue:
		return append(dst, "true"...), rest, nil
	case itemNull, itemUndefined:
		return append(dst, "null"...), rest, nil
	case simple<<5 | 25:
		number = half(binary.BigEndian.Uint16(b[1:]))
	case simple<<5 | 26:
		number = float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:])))
	case simple<<5 | 27:
		number = math.Float64frombits(binary.BigEndian.Uint64(b[1:]))
	default:
		return dst, nil, errNotJSON
	}
	text, err := json.Marshal(number)
	if err != nil { // infinite, or not a number
		return dst, nil, errNotJSON
	}
	return append(dst, text...), rest, nil
}

// half returns a number of half precision.
//
// Spec: https://www.rfc-editor.org/rfc/rfc8949.html#appendix-D
func half(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&31), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(mantissa, -24)
	case 31:
		v = math.Inf(1)
	default:
		v = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits>>15 != 0 {
		v = -v
	}
	return v
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

// appendQuoted is appendString for text that isn't plain ASCII.
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
