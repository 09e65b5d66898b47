package lexicon

import (
	"context"
	"errors"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Status says what came of a check. It is the validationStatus of a response.
type Status string

const (
	Valid   Status = "valid"   // the record is as its lexicon says
	Unknown Status = "unknown" // its lexicon isn't known
	Skipped Status = ""        // the client asked not to check
)

// CheckRecord checks a record that is to be written, as the client asked for:
//
//   - validate is true: it must be valid. The network is asked for lexicons that aren't known.
//   - validate is false: nothing is checked.
//   - validate is nil: it must be valid if its lexicon is known, and may be anything if not.
//
// The record is of the data model, as package atdata of indigo represents it, and its $type is the collection. Its key
// must be as the lexicon says. Blobs of the old form, without a size, aren't valid, nor is what would take a lexicon and a
// record that are made for it too long to check.
//
// Errors: [*InvalidError], with a text for the client, who with validate also gets one if the lexicon can't be found.
// Those of ctx.
func (c *Catalog) CheckRecord(ctx context.Context, collection syntax.NSID, rkey syntax.RecordKey, record map[string]any,
	validate *bool) (Status, error) {
	demanded := validate != nil && *validate
	if validate != nil && !demanded {
		return Skipped, nil
	}
	if demanded {
		if err := c.Fetch(ctx, collection); err != nil && ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	err := c.ValidateRecord(collection, rkey, record, 0)
	switch {
	case err == nil:
		return Valid, nil
	case errors.Is(err, ErrUnknown) && !demanded:
		return Unknown, nil
	case errors.Is(err, ErrUnknown):
		return "", invalid("Unknown lexicon type: " + collection.String())
	}
	return "", err
}

// ValidateRecord checks a record and its key by a lexicon that is known. Flags are indigo's; where a lexicon isn't known
// that the record needs, indigo's StrictRecursiveValidation included, the error is [ErrUnknown].
//
// Errors: [*InvalidError], with a text for the client; [ErrUnknown].
func (c *Catalog) ValidateRecord(collection syntax.NSID, rkey syntax.RecordKey, record map[string]any,
	flags indigo.ValidateFlags) error {
	doc, err := c.document(collection)
	if err != nil {
		return err
	}
	schema, ok := doc.file.Defs["main"].Inner.(indigo.SchemaRecord)
	if !ok {
		return invalid("Invalid " + collection.String() + " record: the lexicon is not one of records")
	}
	if err := checkKey(schema.Key, rkey); err != nil {
		return invalid("Invalid record key for " + collection.String() + ": " + err.Error())
	}
	err = doc.nodes["main"].check(&checker{catalog: c, flags: flags}, record)
	if e, ok := err.(*InvalidError); ok {
		return &InvalidError{Reason: "Invalid " + collection.String() + " record: " + at(e, "record").Error()}
	}
	return err
}

// checkKey checks a record key by what the lexicon says of it.
//
// Spec: https://atproto.com/specs/record-key
func checkKey(rule string, rkey syntax.RecordKey) error {
	_, err := syntax.ParseRecordKey(rkey.String())
	switch rule {
	case "tid":
		_, err = syntax.ParseTID(rkey.String())
	case "nsid":
		_, err = syntax.ParseNSID(rkey.String())
	}
	literal, ok := strings.CutPrefix(rule, "literal:")
	if ok && rkey.String() != literal {
		return invalid("must be " + literal)
	}
	return leafError(err)
}
