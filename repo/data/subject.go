package data

import "unicode/utf8"

// Subject returns what a record is about: its property "subject" if that is a string, as in a
// follow (a DID), or the "uri" of the subject if that is an object with one, as in a like (an AT
// URI). For every other record, and for bytes that aren't one, it returns "".
func Subject(record []byte) string {
	subject, _, ok := Property(record, "subject")
	if !ok {
		return ""
	}
	if uri, _, ok := Property(subject, "uri"); ok {
		subject = uri
	}
	s, _, ok := str(subject, textString)
	if !ok || !utf8.Valid(s) {
		return ""
	}
	return string(s)
}
