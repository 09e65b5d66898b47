package lexicon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Method is a query, procedure or subscription whose lexicon is known. It stays as it is when the lexicon changes.
type Method struct {
	id      syntax.NSID
	catalog *Catalog
	verb    string
	params  []param
	input   *body // nil if there is none
	output  *body
	message *union // nil if it isn't a subscription
}

// body is the JSON body of a request or response; it may be of another encoding, about which a lexicon says no more.
type body struct {
	encoding string
	node     node // nil if anything goes
}

// mayBeJSON says whether JSON is among what the lexicon admits.
func (b *body) mayBeJSON() bool {
	return b.encoding == "*/*" || strings.Contains(b.encoding, encodingJSON)
}

// Method returns a method that is known. Error: [ErrUnknown], also if the lexicon isn't one of a method.
func (c *Catalog) Method(id syntax.NSID) (*Method, error) {
	doc, err := c.document(id)
	if err != nil {
		return nil, err
	}
	m := &Method{id: id, catalog: c, verb: http.MethodGet}
	switch d := doc.file.Defs["main"].Inner.(type) {
	case indigo.SchemaQuery:
		m.params, m.output = compileParams(id, d.Parameters), compileBody(id, d.Output)
	case indigo.SchemaProcedure:
		m.verb = http.MethodPost
		m.params, m.input, m.output = compileParams(id, d.Parameters), compileBody(id, d.Input), compileBody(id, d.Output)
	case indigo.SchemaSubscription:
		m.params = compileParams(id, d.Parameters)
		m.message = compile(id, d.Message.Schema).(*union)
	default:
		return nil, fmt.Errorf("%w: %s is not a method", ErrUnknown, id)
	}
	return m, nil
}

func compileBody(id syntax.NSID, s *indigo.SchemaBody) *body {
	if s == nil {
		return nil
	}
	b := &body{encoding: s.Encoding}
	if s.Schema != nil {
		b.node = compile(id, s.Schema.Inner)
	}
	return b
}

// Verb is the HTTP method of requests: http.MethodGet, or http.MethodPost for a procedure.
func (m *Method) Verb() string { return m.verb }

// Streams reports whether it is a subscription.
func (m *Method) Streams() bool { return m.message != nil }

// CheckInput checks the JSON of a request's body, which is to be decoded besides: some of what is no JSON isn't refused. It
// passes what the lexicon says nothing of, as it does what refers to a lexicon that isn't known. Error: [*InvalidError].
func (m *Method) CheckInput(json []byte) error { return m.checkBody(m.input, json, "input") }

// CheckOutput checks the JSON of a response's body, as [Method.CheckInput] does that of a request.
func (m *Method) CheckOutput(json []byte) error { return m.checkBody(m.output, json, "output") }

// CheckMessage checks a message of a subscription, with its $type, as [Method.CheckInput] does a body. It is of the data
// model, as package atdata of indigo represents it. Of the definitions of the subscription's own lexicon only those are
// messages that it lists. Error: [*InvalidError].
func (m *Method) CheckMessage(message map[string]any) error {
	if m.message == nil {
		return nil
	}
	name, _ := message["$type"].(string)
	if m.message.variants[name] == nil && strings.HasPrefix(name, m.id.String()+"#") {
		return at(invalid("is no message: "+name), "message.$type")
	}
	err := m.message.check(&checker{catalog: m.catalog}, message)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	return at(err, "message")
}

const encodingJSON = "application/json"

func (m *Method) checkBody(b *body, json []byte, part string) error {
	if b == nil || b.encoding != encodingJSON || b.node == nil {
		return nil
	}
	err := checkJSON(&checker{catalog: m.catalog}, b.node, json, 0)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	return at(err, part)
}
