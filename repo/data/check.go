package data

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/ipfs/go-cid"
)

// Check returns nil if record is one that may be written: canonical DAG-CBOR of the data model, an
// object, at most [MaxRecordBytes] long and [MaxDepth] levels deep. Otherwise the error says which
// rule it breaks, and where.
//
// Beyond what the data model demands it refuses what the official clients can't read: the property
// "__proto__", and links of more than 128 characters.
//
// Spec: https://atproto.com/specs/data-model
func Check(record []byte) error {
	if len(record) > MaxRecordBytes {
		return fmt.Errorf("too large: at most %d bytes", MaxRecordBytes)
	}
	major, n, rest, ok := head(record)
	switch {
	case !ok:
		return errCBOR
	case major != object:
		return errors.New("must be an object")
	case len(record)-len(rest) != headBytes(n):
		return errShortest
	}
	rest, blob, err := checkObject(rest, n, 1)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return errCBOR
	case blob:
		return errors.New("must not be a blob")
	}
	return nil
}

// checkItem checks the first item of b, which lies in the given number of objects and arrays, and
// returns what follows it.
func checkItem(b []byte, levels int) (rest []byte, err error) {
	major, n, rest, ok := head(b)
	if !ok {
		return nil, errCBOR
	}
	if major == simple {
		if b[0] < itemFalse || b[0] > itemNull {
			return nil, errInteger
		}
		return rest, nil
	}
	if len(b)-len(rest) != headBytes(n) {
		return nil, errShortest
	}
	switch major {
	case unsigned, negative:
		if n > maxInteger-uint64(major) {
			return nil, errInteger
		}
		return rest, nil
	case byteString, textString:
		if n > uint64(len(rest)) {
			return nil, errCBOR
		}
		if major == textString && !utf8.Valid(rest[:n]) {
			return nil, errUnicode
		}
		return rest[n:], nil
	case array:
		return checkArray(rest, n, levels+1)
	case object:
		rest, _, err = checkObject(rest, n, levels+1)
		return rest, err
	}
	if n != linkTag {
		return nil, errCBOR
	}
	return checkLink(rest)
}

func checkArray(b []byte, n uint64, levels int) ([]byte, error) {
	if err := checkContainer(b, n, levels); err != nil {
		return nil, err
	}
	for i := range n {
		var err error
		if b, err = checkItem(b, levels); err != nil {
			return nil, at(err, i)
		}
	}
	return b, nil
}

// checkContainer checks the number of elements and the depth of an array or an object.
func checkContainer(b []byte, n uint64, levels int) error {
	switch {
	case levels > MaxDepth:
		return errDepth
	case n > uint64(len(b)):
		return errCBOR
	case n > atdata.MAX_CBOR_CONTAINER_LEN:
		return fmt.Errorf("more than %d elements", atdata.MAX_CBOR_CONTAINER_LEN)
	}
	return nil
}

// checkObject checks the properties of an object, which are b's first 2n items. It says whether the
// object is a blob.
func checkObject(b []byte, n uint64, levels int) (rest []byte, blob bool, err error) {
	if err := checkContainer(b, n, levels); err != nil {
		return nil, false, err
	}
	var before []byte
	rest = b
	for i := range n {
		key, value, err := checkKey(rest)
		if err != nil {
			return nil, false, err
		}
		if i > 0 && !keyLess(before, key) {
			return nil, false, at(errors.New("properties aren't in canonical order, or one comes twice"), string(key))
		}
		if rest, err = checkItem(value, levels); err != nil {
			return nil, false, at(err, string(key))
		}
		if string(key) == "$type" {
			t, _, ok := str(value, textString)
			if !ok || len(t) == 0 {
				return nil, false, at(errType, "$type")
			}
			blob = string(t) == "blob"
		}
		before = key
	}
	if blob {
		return rest, true, checkBlob(b, n)
	}
	if n == 2 && string(before) == "mimeType" {
		if c, _, _ := checkKey(b); string(c) == "cid" {
			return rest, true, checkLegacyBlob(b)
		}
	}
	return rest, false, nil
}

func checkKey(b []byte) (key, rest []byte, err error) {
	major, n, rest, ok := head(b)
	switch {
	case !ok || major != textString || n > uint64(len(rest)):
		return nil, nil, errCBOR
	case len(b)-len(rest) != headBytes(n):
		return nil, nil, errShortest
	case n > atdata.MAX_OBJECT_KEY_LEN:
		return nil, nil, fmt.Errorf("a property's name has %d bytes, at most %d", n, atdata.MAX_OBJECT_KEY_LEN)
	}
	key, rest = rest[:n], rest[n:]
	if !utf8.Valid(key) {
		return nil, nil, errUnicode
	}
	switch string(key) {
	case "$link", "$bytes", "__proto__": // in JSON, the first two would be read as a link and as bytes
		return nil, nil, fmt.Errorf("no property may be named %s", key)
	}
	return key, rest, nil
}

// keyLess is the order of keys in canonical DAG-CBOR: shorter ones come first.
func keyLess(a, b []byte) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return bytes.Compare(a, b) < 0
}

var errBlob = errors.New("invalid blob: must have the properties $type, ref, mimeType and size and no others")

// checkBlob checks the properties of an object whose $type is "blob": ref, size, $type and
// mimeType, in this order.
func checkBlob(b []byte, n uint64) error {
	if n != 4 {
		return errBlob
	}
	for _, want := range []struct {
		name  string
		major byte
	}{{"ref", tag}, {"size", unsigned}, {"$type", textString}, {"mimeType", textString}} {
		key, value, err := checkKey(b)
		if err != nil || string(key) != want.name || value[0]>>5 != want.major {
			return errBlob
		}
		if b, err = skip(value); err != nil {
			return errBlob
		}
	}
	return nil
}

// checkLegacyBlob checks the properties cid and mimeType of a blob of the old form.
func checkLegacyBlob(b []byte) error {
	_, value, _ := checkKey(b)
	text, rest, ok := str(value, textString)
	if !ok {
		return errBlob
	}
	if _, err := parseLink(string(text)); err != nil {
		return errBlob
	}
	_, value, _ = checkKey(rest)
	if _, _, ok := str(value, textString); !ok {
		return errBlob
	}
	return nil
}

// checkLink checks a CID, which is a byte string with a zero byte in front.
func checkLink(b []byte) (rest []byte, err error) {
	c, rest, ok := str(b, byteString)
	if !ok || len(c) < 2 || c[0] != 0 || len(b)-len(rest)-len(c) != headBytes(uint64(len(c))) {
		return nil, errLink
	}
	if c = c[1:]; len(c) == cidLen && (string(c[:4]) == cidPrefix || string(c[:4]) == rawPrefix) {
		return rest, nil
	}
	link, err := cid.Cast(c)
	if err != nil || len(link.String()) > maxLink {
		return nil, errLink
	}
	return rest, nil
}

// maxLink limits a CID in characters. Official clients refuse longer ones.
const maxLink = 128

// parseLink parses a CID in the one text form that encoding it gives.
func parseLink(s string) (cid.Cid, error) {
	c, err := cid.Decode(s)
	if err != nil || len(s) > maxLink || c.String() != s {
		return cid.Undef, errLink
	}
	return c, nil
}
