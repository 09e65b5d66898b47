package sqlite

import (
	"encoding/binary"
	"math"
)

// recordSubject returns what a DAG-CBOR record names as its subject: its property "subject" if that
// is a text, or the text of the property "uri" within it. It returns "" if there is none, and for
// malformed bytes.
func recordSubject(record []byte) string {
	subject, _ := property(record, "subject")
	if s, ok := text(subject); ok {
		return s
	}
	uri, _ := property(subject, "uri")
	s, _ := text(uri)
	return s
}

// The major types of CBOR.
const (
	cborBytes = 2
	cborText  = 3
	cborArray = 4
	cborMap   = 5
	cborTag   = 6
)

// maxSkipDepth bounds the recursion of skip. Records don't nest nearly as deeply.
const maxSkipDepth = 1000

// property returns the bytes that follow a key of a map: its value, and the rest of the map.
func property(b []byte, key string) ([]byte, bool) {
	major, n, b, ok := cborHead(b)
	if !ok || major != cborMap {
		return nil, false
	}
	for ; n > 0; n-- {
		k, ok := text(b)
		if !ok {
			return nil, false
		}
		if b, ok = skip(b, 0); !ok {
			return nil, false
		}
		if k == key {
			return b, true
		}
		if b, ok = skip(b, 0); !ok {
			return nil, false
		}
	}
	return nil, false
}

func text(b []byte) (string, bool) {
	major, n, b, ok := cborHead(b)
	if !ok || major != cborText || n > uint64(len(b)) {
		return "", false
	}
	return string(b[:n]), true
}

// skip returns what follows the first item of b.
func skip(b []byte, depth int) ([]byte, bool) {
	major, n, b, ok := cborHead(b)
	if !ok || depth > maxSkipDepth {
		return nil, false
	}
	items := uint64(0)
	switch major {
	case cborBytes, cborText:
		if n > uint64(len(b)) {
			return nil, false
		}
		return b[n:], true
	case cborArray:
		items = n
	case cborMap:
		if n > math.MaxUint64/2 {
			return nil, false
		}
		items = 2 * n
	case cborTag:
		items = 1
	}
	for ; items > 0; items-- {
		if b, ok = skip(b, depth+1); !ok {
			return nil, false
		}
	}
	return b, true
}

// cborHead reads the head of an item. It refuses indefinite lengths, which DAG-CBOR doesn't have.
func cborHead(b []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	major, n, b = b[0]>>5, uint64(b[0]&31), b[1:]
	if n < 24 {
		return major, n, b, true
	}
	size := 1 << (n - 24)
	if n > 27 || len(b) < size {
		return 0, 0, nil, false
	}
	var word [8]byte
	copy(word[8-size:], b)
	return major, binary.BigEndian.Uint64(word[:]), b[size:], true
}
