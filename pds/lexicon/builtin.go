package lexicon

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

//go:generate go run ./internal/generate

//go:embed builtin.jsonl
var builtinLines string

// builtin finds the built-in lexicons, none of which is parsed before it is used.
var builtin = sync.OnceValue(func() map[syntax.NSID]*entry {
	entries := map[syntax.NSID]*entry{}
	for line := range strings.Lines(builtinLines) {
		rest := strings.TrimPrefix(line, `{"lexicon":1,"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		entries[syntax.NSID(id)] = &entry{source: line}
	}
	return entries
})

// entry is a lexicon that is parsed once, when it's needed.
type entry struct {
	source string
	once   sync.Once
	doc    *document
	err    error
}

func (e *entry) document() (*document, error) {
	e.once.Do(func() { e.doc, e.err = parseDocument([]byte(e.source)) })
	return e.doc, e.err
}
