package lexicon

import (
	"math"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
)

// stringLeaf is a string. Indigo checks it; whether all of it has to be checked is seen to here.
type stringLeaf struct {
	whole indigo.SchemaString
	rest  indigo.SchemaString // without bounds of graphemes and without a format that is seen at a glance
	short int                 // the length in bytes up to which graphemes needn't be counted: there are no more than bytes
	plain func(string) bool   // says that a string has the format; nil if there is none that is seen at a glance
}

func newStringLeaf(s indigo.SchemaString) *stringLeaf {
	l := &stringLeaf{whole: s, rest: s, short: math.MaxInt}
	switch {
	case s.MinGraphemes != nil && *s.MinGraphemes > 0:
		l.short = -1
	case s.MaxGraphemes != nil:
		l.short = *s.MaxGraphemes
	}
	l.rest.MinGraphemes, l.rest.MaxGraphemes = nil, nil
	if s.Format != nil && plainFormats[*s.Format] != nil {
		l.plain, l.rest.Format = plainFormats[*s.Format], nil
	}
	return l
}

func (l *stringLeaf) check(c *checker, value any) error {
	if err := c.spend(len(l.whole.Enum)); err != nil {
		return err
	}
	s, ok := value.(string)
	if !ok || len(s) > l.short || l.plain != nil && !l.plain(s) {
		return leafError(l.whole.Validate(value, c.flags))
	}
	return leafError(l.rest.Validate(value, c.flags))
}

type blobLeaf struct{ schema indigo.SchemaBlob }

func (l *blobLeaf) check(c *checker, value any) error {
	if err := c.spend(len(l.schema.Accept)); err != nil {
		return err
	}
	return leafError(l.schema.Validate(value, c.flags))
}

// leaf is any other plain value.
type leaf struct {
	schema interface{ Validate(any) error }
	steps  int // of a check
}

func (l *leaf) check(c *checker, value any) error {
	if err := c.spend(l.steps); err != nil {
		return err
	}
	return leafError(l.schema.Validate(value))
}
