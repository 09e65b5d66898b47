package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A row is JSON, with bytes behind it that needn't be JSON. The protocol's own types check what they are decoded from, which
// is none of a backend's business: rows have strings in their places.

func encode(row any, body []byte) ([]byte, error) {
	head, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	out := binary.AppendUvarint(nil, uint64(len(head)))
	return slices.Concat(out, head, body), nil
}

// decode returns the body as a copy.
func decode(b []byte, row any) ([]byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, fmt.Errorf("bolt: a row of %d bytes is damaged", len(b))
	}
	b = b[size:]
	return clone(b[n:]), json.Unmarshal(b[:n], row)
}

func clone(b []byte) []byte { return slices.Concat([]byte{}, b) }

// Keys are compared byte by byte, part by part: a text ends with a zero, unless it is the last, a number or a time has
// a fixed length.

func key(parts ...any) []byte {
	var k []byte
	for i, part := range parts {
		switch p := part.(type) {
		case int64:
			k = binary.BigEndian.AppendUint64(k, uint64(p))
		case generation:
			k = binary.BigEndian.AppendUint64(k, uint64(p))
		case time.Time:
			k = binary.BigEndian.AppendUint64(k, uint64(p.Unix())^1<<63)
			k = binary.BigEndian.AppendUint32(k, uint32(p.Nanosecond()))
		case []byte:
			k = append(k, p...)
		case string:
			k = append(k, p...)
			if i < len(parts)-1 {
				k = append(k, 0)
			}
		default:
			panic(fmt.Sprintf("bolt: a %T in a key", part))
		}
	}
	return k
}

// begin is the beginning of the keys whose first parts are these: with the zero of the last one.
func begin(parts ...any) []byte { return key(append(parts, "")...) }

// after is the first key after all that begin so: nil if there can't be one.
func after(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			next := clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}

func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// last is what stands behind the last zero.
func last(k []byte) string { return string(k[bytes.LastIndexByte(k, 0)+1:]) }

func collectionOf(path string) string {
	collection, _, _ := strings.Cut(path, "/")
	return collection
}
