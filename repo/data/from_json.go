package data

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/atdata"
)

// FromJSON parses the JSON of a record that is to be written. It returns what atdata.UnmarshalJSON
// of indigo returns, and refuses all that wouldn't come out as it went in: integers that a
// JavaScript number doesn't hold, fractions of any size, text that isn't valid Unicode, links that
// aren't in the one form which encoding them gives, and more than [MaxDepth] levels. A property
// that comes twice has its last value. [Encode] checks the rest.
//
// Spec: https://atproto.com/specs/data-model#json-representation
func FromJSON(text []byte) (map[string]any, error) {
	if len(text) > atdata.MAX_JSON_RECORD_SIZE {
		return nil, fmt.Errorf("%d bytes of JSON, at most %d", len(text), atdata.MAX_JSON_RECORD_SIZE)
	}
	if !validUnicode(text) {
		return nil, errUnicode
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON")
	}
	value, err := fromObject(object, 1)
	if err != nil {
		return nil, err
	}
	if record, ok := value.(map[string]any); ok && record != nil {
		return record, nil
	}
	return nil, errors.New("must be an object, and no link, bytes or blob")
}

// fromValue converts a value of package json that lies in the given number of objects and arrays.
// Objects and arrays are converted in place.
func fromValue(value any, levels int) (any, error) {
	switch v := value.(type) {
	case json.Number:
		return integer(string(v))
	case []any:
		if levels == MaxDepth {
			return nil, errDepth
		}
		for i := range v {
			var err error
			if v[i], err = fromValue(v[i], levels+1); err != nil {
				return nil, at(err, i)
			}
		}
	case map[string]any:
		return fromObject(v, levels+1)
	}
	return value, nil
}

func fromObject(m map[string]any, levels int) (any, error) {
	if _, ok := m["$link"]; ok {
		return fromLink(m)
	}
	if _, ok := m["$bytes"]; ok {
		return fromBytes(m)
	}
	if levels > MaxDepth {
		return nil, errDepth
	}
	if t, ok := m["$type"]; ok {
		switch t {
		case "blob":
			return fromBlob(m)
		case "":
			return nil, at(errType, "$type")
		}
		if _, ok := t.(string); !ok {
			return nil, at(errType, "$type")
		}
	}
	if _, ok := m["cid"]; ok && len(m) == 2 {
		if _, ok := m["mimeType"]; ok {
			return fromLegacyBlob(m)
		}
	}
	for key, value := range m {
		converted, err := fromValue(value, levels)
		if err != nil {
			return nil, at(err, key)
		}
		m[key] = converted
	}
	return m, nil
}

func fromLink(m map[string]any) (any, error) {
	s, ok := m["$link"].(string)
	if !ok || len(m) != 1 {
		return nil, errLink
	}
	c, err := parseLink(s)
	return atdata.CIDLink(c), err
}

func fromBytes(m map[string]any) (any, error) {
	s, ok := m["$bytes"].(string)
	b, err := base64.RawStdEncoding.DecodeString(s)
	if !ok || len(m) != 1 || err != nil {
		return nil, errors.New("invalid bytes: must be base64 without padding")
	}
	return atdata.Bytes(b), nil
}

func fromBlob(m map[string]any) (any, error) {
	mimeType, ok := m["mimeType"].(string)
	ref, okRef := m["ref"].(map[string]any)
	size, okSize := m["size"].(json.Number)
	if !ok || !okRef || !okSize || len(m) != 4 {
		return nil, errBlob
	}
	link, err := fromLink(ref)
	if err != nil {
		return nil, at(err, "ref")
	}
	n, err := integer(string(size))
	if err != nil || n < 0 {
		return nil, errBlob
	}
	return atdata.Blob{Ref: link.(atdata.CIDLink), MimeType: mimeType, Size: n}, nil
}

// fromLegacyBlob gives a blob of the old form the size -1, as package atdata does.
func fromLegacyBlob(m map[string]any) (any, error) {
	mimeType, ok := m["mimeType"].(string)
	s, okCID := m["cid"].(string)
	if !ok || !okCID {
		return nil, errBlob
	}
	c, err := parseLink(s)
	if err != nil {
		return nil, at(err, "cid")
	}
	return atdata.Blob{Ref: atdata.CIDLink(c), MimeType: mimeType, Size: -1}, nil
}

// validUnicode reports whether JSON is valid UTF-8, and escapes no half of a surrogate pair.
// Package json puts U+FFFD in the place of both.
func validUnicode(text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return true
		}
		text = text[i:]
		r, size := escaped(text)
		switch {
		case size == 0:
			text = text[2:]
			continue
		case r < 0xd800 || r > 0xdfff:
		case r >= 0xdc00:
			return false
		default:
			low, more := escaped(text[size:])
			if more == 0 || low < 0xdc00 || low > 0xdfff {
				return false
			}
			size += more
		}
		text = text[size:]
	}
}

// escaped reads an escape of the form \uXXXX. The size is 0 if text doesn't begin with one.
func escaped(text []byte) (r rune, size int) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, 0
	}
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, 0
		}
		r = r<<4 | rune(c)
	}
	return r, 6
}
