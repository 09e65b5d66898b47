package data

import (
	"bytes"
	"errors"

	cbg "github.com/whyrusleeping/cbor-gen"
)

var (
	errCBOR        = errors.New("malformed CBOR")
	errStoredDepth = errors.New("CBOR nested too deeply")
)

// Split returns the first item of CBOR in b, and what follows it. Error: b doesn't begin with an
// item of definite lengths that is nested at most [MaxStoredDepth] levels.
func Split(b []byte) (item, rest []byte, err error) {
	if rest, err = skip(b); err != nil {
		return nil, nil, err
	}
	return b[:len(b)-len(rest)], rest, nil
}

// WellFormed returns nil if b is one item of CBOR as [Split] reads it and nothing else. Decoders
// that believe lengths, as generated ones do, can't allocate more for it than its size warrants.
func WellFormed(b []byte) error {
	rest, err := skip(b)
	if err == nil && len(rest) > 0 {
		return errCBOR
	}
	return err
}

// Unmarshal decodes one item of CBOR into a value with a generated decoder, such as a commit or the
// body of an event.
func Unmarshal(b []byte, into cbg.CBORUnmarshaler) error {
	if err := WellFormed(b); err != nil {
		return err
	}
	return into.UnmarshalCBOR(bytes.NewReader(b))
}

// Property returns the value of a property of an object of CBOR, and what follows the value. It
// decodes nothing else. ok is false if b isn't an object, is malformed before the property, or has
// no such property.
func Property(b []byte, name string) (value, rest []byte, ok bool) {
	major, n, rest, ok := head(b)
	if !ok || major != object {
		return nil, nil, false
	}
	for ; n > 0; n-- {
		var key []byte
		if key, rest, ok = str(rest, textString); !ok {
			return nil, nil, false
		}
		value = rest
		var err error
		if rest, err = skip(rest); err != nil {
			return nil, nil, false
		}
		if string(key) == name {
			return value[:len(value)-len(rest)], rest, true
		}
	}
	return nil, nil, false
}

// skip returns what follows the first item. It doesn't recurse: for each open array, object and tag, its stack says how
// many items are still to come around it.
func skip(b []byte) ([]byte, error) {
	var few [16]uint64
	around, left := few[:0], uint64(1)
	for {
		major, n, rest, ok := head(b)
		if !ok {
			return nil, errCBOR
		}
		left--
		switch b = rest; major {
		case byteString, textString:
			if n > uint64(len(b)) {
				return nil, errCBOR
			}
			b, n = b[n:], 0
		case array, object:
			if n > uint64(len(b)) { // each item has a byte at least
				return nil, errCBOR
			}
			n *= uint64(major - array + 1)
		case tag:
			n = 1
		default:
			n = 0
		}
		if n > 0 {
			if len(around) == MaxStoredDepth {
				return nil, errStoredDepth
			}
			around, left = append(around, left), n
			continue
		}
		for left == 0 {
			last := len(around) - 1
			if last < 0 {
				return b, nil
			}
			around, left = around[:last], around[last]
		}
	}
}
