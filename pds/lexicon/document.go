package lexicon

import (
	"encoding/json"
	"fmt"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// document is a lexicon that is parsed, found to be in order, and compiled. It doesn't change.
type document struct {
	file  indigo.SchemaFile
	nodes map[string]node // by the definitions' names
}

// parseDocument parses the JSON of a lexicon, as it stands in a file or in a com.atproto.lexicon.schema record.
func parseDocument(source []byte) (*document, error) {
	d := &document{nodes: map[string]node{}}
	if nesting(source) > maxNesting {
		return nil, fmt.Errorf("lexicon: nested deeper than %d levels", maxNesting)
	}
	if err := json.Unmarshal(source, &d.file); err != nil {
		return nil, fmt.Errorf("lexicon: %w", err)
	}
	if len(d.file.Defs) == 0 {
		return nil, fmt.Errorf("lexicon: %q has no definitions", d.file.ID)
	}
	if err := d.file.FinishParse(); err != nil {
		return nil, fmt.Errorf("lexicon: %s: %w", d.file.ID, err)
	}
	if err := d.file.CheckSchema(); err != nil {
		return nil, fmt.Errorf("lexicon: %s: %w", d.file.ID, err)
	}
	for name, def := range d.file.Defs {
		d.nodes[name] = compileDefinition(d.id(), name, def.Inner)
	}
	return d, nil
}

// maxNesting bounds the nesting of a lexicon's JSON. Indigo's parser reads what is nested once more at each level, so
// that a stranger's lexicon could keep it busy for long.
const maxNesting = 64

func nesting(source []byte) (deepest int) {
	var depth int
	var quoted, escaped bool
	for _, b := range source {
		switch {
		case escaped:
			escaped = false
		case quoted && b == '\\':
			escaped = true
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			depth++
			deepest = max(deepest, depth)
		case b == '}' || b == ']':
			depth--
		}
	}
	return deepest
}

func (d *document) id() syntax.NSID { return syntax.NSID(d.file.ID) }

// typeName is what $type says of a definition.
func typeName(id syntax.NSID, name string) string {
	if name == "main" {
		return id.String()
	}
	return id.String() + "#" + name
}
