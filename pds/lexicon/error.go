package lexicon

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// ErrUnknown: a lexicon, or something that one refers to, is not known.
var ErrUnknown = errors.New("lexicon: unknown")

// InvalidError says what is wrong with data, and where. Its text is for the client who sent them.
type InvalidError struct {
	// Path leads to what is wrong, such as "record.embed.images[0].alt".
	Path string

	// Reason says what is wrong with it.
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// maxReason bounds a reason that quotes the data, in bytes.
const maxReason = 256

func invalid(reason string) error {
	if len(reason) > maxReason {
		cut := maxReason
		for !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut] + "…"
	}
	return &InvalidError{Reason: reason}
}

// leafError makes what indigo says of a plain value an error of this package.
func leafError(err error) error {
	if err == nil {
		return nil
	}
	return invalid(err.Error())
}

// at says that err happened in a part of the data.
func at(err error, part string) error {
	e, ok := err.(*InvalidError)
	switch {
	case !ok:
		return err
	case e.Path == "" || strings.HasPrefix(e.Path, "["):
		e.Path = part + e.Path
	default:
		e.Path = part + "." + e.Path
	}
	return e
}
