package lexicon

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Config says where a [Catalog] has its lexicons from, beside those that are built in.
type Config struct {
	// Files are the host's lexicons: all files, in folders too, whose names end in ".json". One takes the place of a
	// built-in lexicon with the same ID. If nil, there are none.
	Files fs.FS

	// Resolver finds all others in the network. If nil, they aren't known.
	Resolver *Resolver
}

// Catalog knows lexicons. Its methods may be called from many goroutines.
type Catalog struct {
	files    map[syntax.NSID]*document
	builtin  map[syntax.NSID]*entry
	resolver *Resolver
}

var _ indigo.Catalog = (*Catalog)(nil)

// New returns a catalog. It reads all the host's files, and reports everything that is wrong with them at once.
func New(c Config) (*Catalog, error) {
	catalog := &Catalog{files: map[syntax.NSID]*document{}, builtin: builtin(), resolver: c.Resolver}
	if c.Files == nil {
		return catalog, nil
	}
	var errs []error
	err := fs.WalkDir(c.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		if err := catalog.addFile(c.Files, name); err != nil {
			errs = append(errs, fmt.Errorf("%w, in %s", err, name))
		}
		return nil
	})
	if err != nil {
		errs = append(errs, fmt.Errorf("lexicon: reading files: %w", err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return catalog, nil
}

func (c *Catalog) addFile(files fs.FS, name string) error {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("lexicon: %w", err)
	}
	doc, err := parseDocument(source)
	if err != nil {
		return err
	}
	if c.files[doc.id()] != nil {
		return fmt.Errorf("lexicon: %s is there twice", doc.id())
	}
	c.files[doc.id()] = doc
	return nil
}

// Resolver is that of the [Config], nil if there is none.
func (c *Catalog) Resolver() *Resolver { return c.resolver }

// Resolve returns the definition that a reference names: an NSID, and after # the definition's name, unless that is
// "main". It is indigo's, and doesn't ask the network. The caller doesn't change what it points to. Error: [ErrUnknown].
func (c *Catalog) Resolve(reference string) (*indigo.Schema, error) {
	r := parseRef("", reference)
	doc, err := c.document(r.id)
	if err != nil {
		return nil, err
	}
	def, ok := doc.file.Defs[r.name]
	if !ok {
		return nil, r.unknown()
	}
	return &indigo.Schema{ID: r.id.String() + "#" + r.name, Def: def.Inner}, nil
}

// document finds a lexicon that is known.
func (c *Catalog) document(id syntax.NSID) (*document, error) {
	if doc, ok := c.files[id]; ok {
		return doc, nil
	}
	if e, ok := c.builtin[id]; ok {
		return e.document()
	}
	if c.resolver != nil {
		if doc := c.resolver.known(id); doc != nil {
			return doc, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknown, id)
}

func (c *Catalog) node(r *ref) (node, error) {
	doc, err := c.document(r.id)
	if err != nil {
		return nil, err
	}
	n, ok := doc.nodes[r.name]
	if !ok {
		return nil, r.unknown()
	}
	return n, nil
}

func (r *ref) unknown() error { return fmt.Errorf("%w: %s has no %q", ErrUnknown, r.id, r.name) }
