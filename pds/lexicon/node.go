package lexicon

import (
	"errors"
	"strconv"

	indigo "github.com/bluesky-social/indigo/atproto/lexicon"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// node is a compiled definition, or a part of one. It doesn't change.
type node interface {
	// check returns an *InvalidError, or ErrUnknown if a lexicon is needed that isn't known. The value is of the data
	// model, as package atdata of indigo represents it.
	check(c *checker, value any) error
}

// checker is a check under way.
type checker struct {
	catalog *Catalog
	flags   indigo.ValidateFlags
	steps   int // that it took so far
}

// maxSteps bounds the properties and enumerated values that data are held against. A stranger who may choose both the
// lexicon and the data would make of a megabyte each the work of minutes.
const maxSteps = 2_000_000

func (c *checker) spend(steps int) error {
	if c.steps += steps; c.steps > maxSteps {
		return invalid("is too much to be checked")
	}
	return nil
}

// object is a JSON object, or a record if it is typed.
type object struct {
	name   string // of the definition, to which $type must be equal if there is one; "" for an object without a name
	typed  bool   // whether there must be a $type
	fields []field
}

// field is a property. Those of an object are in the order of their names, so that of two errors it is always the same
// that is reported.
type field struct {
	name               string
	required, nullable bool
	node               node
}

func (o *object) check(c *checker, value any) error {
	data, ok := value.(map[string]any)
	if !ok {
		return invalid("must be an object")
	}
	if err := o.checkType(data["$type"]); err != nil {
		return err
	}
	if err := c.spend(len(o.fields)); err != nil {
		return err
	}
	var all verdict
	for i := range o.fields {
		f := &o.fields[i]
		v, ok := data[f.name]
		switch {
		case !ok && f.required:
			return at(invalid("is required"), f.name)
		case !ok || v == nil && f.nullable:
			continue
		case v == nil:
			return at(invalid("must not be null"), f.name)
		}
		if all.add(f.node.check(c, v)) {
			return at(all.err, f.name)
		}
	}
	return all.err
}

// verdict is what came of checking the parts of a value. That a part's lexicon isn't known doesn't excuse the others.
type verdict struct{ err error }

// add adds what came of a part, and reports whether the rest needn't be looked at.
func (v *verdict) add(err error) (final bool) {
	if err != nil {
		v.err = err
	}
	return err != nil && !errors.Is(err, ErrUnknown)
}

func (o *object) checkType(t any) error {
	if o.name == "" || t == o.name || t == nil && !o.typed {
		return nil
	}
	return at(invalid("must be "+o.name), "$type")
}

type array struct {
	items    node
	min, max int // max is negative for none
}

func (a *array) check(c *checker, value any) error {
	list, ok := value.([]any)
	if !ok {
		return invalid("must be an array")
	}
	if err := a.checkLength(len(list)); err != nil {
		return err
	}
	var all verdict
	for i, v := range list {
		if all.add(a.items.check(c, v)) {
			return at(all.err, "["+strconv.Itoa(i)+"]")
		}
	}
	return all.err
}

func (a *array) checkLength(n int) error {
	switch {
	case n < a.min:
		return invalid("must have at least " + strconv.Itoa(a.min) + " elements")
	case a.max >= 0 && n > a.max:
		return invalid("must have at most " + strconv.Itoa(a.max) + " elements")
	}
	return nil
}

// ref is a reference to a definition, which may be in another lexicon.
type ref struct {
	id   syntax.NSID
	name string
}

func (r *ref) check(c *checker, value any) error {
	n, err := c.catalog.node(r)
	if err != nil {
		return err
	}
	return n.check(c, value)
}

type union struct {
	variants map[string]*ref // by what $type says
	closed   bool
}

func (u *union) check(c *checker, value any) error {
	data, ok := value.(map[string]any)
	if !ok {
		return invalid("must be an object")
	}
	variant, err := u.variant(c, data["$type"])
	if err != nil || variant == nil {
		return err
	}
	return variant.check(c, value)
}

// variant returns what to check a value with a $type by: nil if it can be anything.
func (u *union) variant(c *checker, t any) (*ref, error) {
	name, ok := t.(string)
	if !ok || name == "" {
		return nil, at(invalid("must be a type's name"), "$type")
	}
	if variant, ok := u.variants[name]; ok {
		return variant, nil
	}
	if u.closed {
		return nil, at(invalid("is none of those that are possible: "+name), "$type")
	}
	if c.flags&indigo.StrictRecursiveValidation == 0 {
		return nil, nil
	}
	return parseRef("", name), nil
}

// token is a name that stands for itself.
type token string

func (t token) check(_ *checker, value any) error {
	if value != string(t) {
		return invalid("must be " + string(t))
	}
	return nil
}

// unknown is any object that isn't something else, such as a blob.
type unknown struct{}

func (unknown) check(_ *checker, value any) error {
	if _, ok := value.(map[string]any); !ok {
		return invalid("must be an object")
	}
	return nil
}

// noData is a definition that isn't one of data, such as a query.
type noData struct{}

func (noData) check(*checker, any) error { return invalid("is of a type that no data can have") }
