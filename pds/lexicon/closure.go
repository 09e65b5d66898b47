package lexicon

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// maxFetches bounds the lexicons that are resolved because one refers to the other.
const maxFetches = 32

// Fetch makes a lexicon known, if it isn't yet, with the ones that it refers to, and those that they refer to, up to 32
// of the network's. That one of these can't be had is no error: whether it is needed depends on the data. It takes no
// longer than twice the Resolver's Timeout.
//
// Errors: [ErrUnknown], if the lexicon itself isn't known then; that of ctx.
func (c *Catalog) Fetch(ctx context.Context, id syntax.NSID) error {
	if c.isBuiltin(id) {
		return nil
	}
	todo, seen := []syntax.NSID{id}, map[syntax.NSID]bool{id: true}
	fetches, inTime := maxFetches, ctx
	if c.resolver != nil {
		var cancel context.CancelFunc
		inTime, cancel = context.WithTimeout(ctx, 2*c.resolver.cfg.Timeout)
		defer cancel()
	}
	for ; len(todo) > 0; todo = todo[1:] {
		doc, err := c.document(todo[0])
		if errors.Is(err, ErrUnknown) && c.resolver != nil && fetches > 0 && inTime.Err() == nil {
			fetches--
			if _, err := c.resolver.Resolve(inTime, todo[0]); err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			doc, err = c.document(todo[0])
		}
		if err != nil && todo[0] == id {
			return err
		}
		if err != nil {
			continue
		}
		found := map[syntax.NSID]bool{}
		for _, n := range doc.nodes {
			references(n, found)
		}
		for next := range found {
			if !seen[next] && !c.isBuiltin(next) {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return nil
}

// isBuiltin says whether a lexicon is built in. Those refer to nothing else.
func (c *Catalog) isBuiltin(id syntax.NSID) bool { return c.files[id] == nil && c.builtin[id] != nil }
