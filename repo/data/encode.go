package data

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/ipfs/go-cid"
)

// Encode returns the canonical DAG-CBOR of a record, which package atdata of indigo represents as a
// map. It returns the same bytes as atdata.MarshalCBOR, ten times as fast. Error: [Check] refuses
// them, or a value isn't of the data model.
//
// Spec: https://atproto.com/specs/data-model
func Encode(record map[string]any) ([]byte, error) {
	b, err := appendObject(nil, record, 1)
	if err != nil {
		return nil, err
	}
	return b, Check(b)
}

// appendValue appends a value that lies in the given number of objects and arrays.
func appendValue(dst []byte, value any, levels int) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, itemNull), nil
	case bool:
		if v {
			return append(dst, itemTrue), nil
		}
		return append(dst, itemFalse), nil
	case int64:
		return appendInteger(dst, v), nil
	case string:
		return appendText(dst, v), nil
	case atdata.Bytes:
		return append(appendHead(dst, byteString, uint64(len(v))), v...), nil
	case atdata.CIDLink:
		return appendLink(dst, cid.Cid(v)), nil
	case atdata.Blob:
		return appendBlob(dst, v), nil
	case []any:
		return appendArray(dst, v, levels+1)
	case map[string]any:
		return appendObject(dst, v, levels+1)
	}
	return nil, fmt.Errorf("%T is not of the data model", value)
}

func appendInteger(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, negative, uint64(-1-v))
	}
	return appendHead(dst, unsigned, uint64(v))
}

func appendArray(dst []byte, list []any, levels int) ([]byte, error) {
	if levels > MaxDepth { // Check would say so too, but a value that contains itself would never get there
		return nil, errDepth
	}
	dst = appendHead(dst, array, uint64(len(list)))
	for i, v := range list {
		var err error
		if dst, err = appendValue(dst, v, levels); err != nil {
			return nil, at(err, i)
		}
	}
	return dst, nil
}

func appendObject(dst []byte, m map[string]any, levels int) ([]byte, error) {
	if levels > MaxDepth {
		return nil, errDepth
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	dst = appendHead(dst, object, uint64(len(m)))
	for _, key := range keys {
		var err error
		if dst, err = appendValue(appendText(dst, key), m[key], levels); err != nil {
			return nil, at(err, key)
		}
	}
	return dst, nil
}

// appendBlob appends a blob as an object. Shorter keys come first.
func appendBlob(dst []byte, b atdata.Blob) []byte {
	dst = appendHead(dst, object, 4)
	dst = appendLink(appendText(dst, "ref"), cid.Cid(b.Ref))
	dst = appendInteger(appendText(dst, "size"), b.Size)
	dst = appendText(appendText(dst, "$type"), "blob")
	return appendText(appendText(dst, "mimeType"), b.MimeType)
}

func appendLink(dst []byte, c cid.Cid) []byte {
	dst = appendHead(appendHead(dst, tag, linkTag), byteString, uint64(c.ByteLen()+1))
	return append(append(dst, 0), c.KeyString()...)
}
