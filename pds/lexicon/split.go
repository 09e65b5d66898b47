package lexicon

import (
	"bytes"
	"encoding/json"
)

// splitObject returns the members of an object as they stand in JSON text. The text is one that decodes: what is no JSON
// isn't always found to be none. Two members of the same name are refused: encoding/json makes one value of both.
func splitObject(text []byte) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	s := splitter{text: text}
	if !s.take('{') {
		return nil, invalid("must be an object")
	}
	for !s.take('}') {
		name, ok := s.name()
		if !ok || !s.take(':') {
			return nil, invalid("must be an object")
		}
		value := s.value()
		if len(value) == 0 || !s.separated('}') {
			return nil, invalid("must be an object")
		}
		if _, twice := members[name]; twice {
			return nil, invalid("must not have two properties of the same name: " + name)
		}
		members[name] = value
	}
	return members, nil
}

// splitArray returns the elements of an array as they stand in JSON text, as splitObject does.
func splitArray(text []byte) ([]json.RawMessage, error) {
	var elements []json.RawMessage
	s := splitter{text: text}
	if !s.take('[') {
		return nil, invalid("must be an array")
	}
	for !s.take(']') {
		value := s.value()
		if len(value) == 0 || !s.separated(']') {
			return nil, invalid("must be an array")
		}
		elements = append(elements, value)
	}
	return elements, nil
}

// splitter reads JSON text. encoding/json would look at each byte once for each layer that it lies in, twice.
type splitter struct {
	text []byte
	at   int
}

func (s *splitter) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\r' || s.text[s.at] == '\t') {
		s.at++
	}
}

// take reads a byte after white space, if it comes next.
func (s *splitter) take(b byte) bool {
	if s.space(); s.at < len(s.text) && s.text[s.at] == b {
		s.at++
		return true
	}
	return false
}

// separated reads the comma after a value, or stops before what ends the object or array.
func (s *splitter) separated(end byte) bool {
	if s.take(',') {
		return true
	}
	return s.at < len(s.text) && s.text[s.at] == end
}

// name reads the name of a member.
func (s *splitter) name() (name string, ok bool) {
	if s.space(); s.at == len(s.text) || s.text[s.at] != '"' {
		return "", false
	}
	start := s.at
	s.skipString()
	quoted := s.text[start:s.at]
	if bytes.IndexByte(quoted, '\\') < 0 && len(quoted) >= 2 {
		return string(quoted[1 : len(quoted)-1]), true
	}
	return name, json.Unmarshal(quoted, &name) == nil
}

// value reads a value; nothing if there is none.
func (s *splitter) value() json.RawMessage {
	s.space()
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			s.skipString()
		case '{', '[':
			depth++
			s.at++
			continue
		case '}', ']':
			if depth == 0 {
				return s.text[start:s.at]
			}
			depth--
			s.at++
		case ',', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return s.text[start:s.at]
			}
			s.at++
			continue
		default:
			s.at++
			continue
		}
		if depth == 0 {
			break
		}
	}
	return s.text[start:s.at]
}

// skipString goes to the end of a string that begins here.
func (s *splitter) skipString() {
	for i := s.at + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			return
		}
	}
	s.at = len(s.text)
}
