package lexicon

import (
	"net/url"
	"strconv"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// param is a parameter of a query string.
type param struct {
	field
	list *array // nil if it is a single value
	kind any    // the indigo schema of the value, or of the list's values
}

func compileParams(id syntax.NSID, s *indigo.SchemaParams) []param {
	if s == nil {
		return nil
	}
	fields := compileFields(id, s.Properties, s.Required, nil)
	params := make([]param, len(fields))
	for i, f := range fields {
		params[i] = param{field: f, kind: s.Properties[f.name].Inner}
		if a, ok := params[i].kind.(indigo.SchemaArray); ok {
			params[i].list, params[i].kind = f.node.(*array), a.Items.Inner
		}
	}
	return params
}

// CheckParams checks the parameters of a request. Others than the lexicon names are ignored; one that is empty counts as
// none. Error: [*InvalidError].
func (m *Method) CheckParams(query url.Values) error {
	c := &checker{catalog: m.catalog}
	for i := range m.params {
		p := &m.params[i]
		if err := p.checkValues(c, query[p.name]); err != nil {
			return at(at(err, p.name), "params")
		}
	}
	return nil
}

func (p *param) checkValues(c *checker, texts []string) error {
	if len(texts) == 1 && texts[0] == "" {
		texts = nil
	}
	switch {
	case len(texts) == 0 && p.required:
		return invalid("is required")
	case len(texts) == 0:
		return nil
	case p.list != nil:
		values := make([]any, len(texts))
		for i, text := range texts {
			values[i] = p.value(text)
		}
		return p.list.check(c, values)
	case len(texts) > 1:
		return invalid("must be given once")
	}
	return p.node.check(c, p.value(texts[0]))
}

// value returns what a text stands for, or the text itself if it isn't of the parameter's kind.
func (p *param) value(text string) any {
	switch p.kind.(type) {
	case indigo.SchemaInteger:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case indigo.SchemaBoolean:
		switch text {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return text
}
