package lexicon

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atdata"
)

// maxLayers bounds the objects and arrays that are taken apart layer by layer, each of which is read again for that.
// What is nested deeper is decoded at once.
const maxLayers = 16

// checkJSON checks JSON text. Only what the lexicon has something to say of is decoded: in a request that writes a
// record, that isn't the record.
func checkJSON(c *checker, n node, text []byte, layer int) error {
	if layer >= maxLayers {
		return checkDecoded(c, n, text)
	}
	switch n := n.(type) {
	case *object:
		return n.checkJSON(c, text, layer)
	case *array:
		return n.checkJSON(c, text, layer)
	case *ref:
		target, err := c.catalog.node(n)
		if err != nil {
			return err
		}
		return checkJSON(c, target, text, layer)
	case *union:
		data, err := splitObject(text)
		if err != nil {
			return err
		}
		t, err := decode(data["$type"])
		if err != nil {
			return at(err, "$type")
		}
		variant, err := n.variant(c, t)
		if err != nil || variant == nil {
			return err
		}
		return checkJSON(c, variant, text, layer)
	case unknown:
		if !startsWith(text, '{') {
			return invalid("must be an object")
		}
		return nil
	}
	return checkDecoded(c, n, text)
}

func (o *object) checkJSON(c *checker, text []byte, layer int) error {
	data, err := splitObject(text)
	if err != nil {
		return err
	}
	t, err := decode(data["$type"])
	if err != nil {
		return at(err, "$type")
	}
	if err := o.checkType(t); err != nil {
		return err
	}
	if err := c.spend(len(o.fields)); err != nil {
		return err
	}
	if err := o.checkNames(c, data); err != nil {
		return err
	}
	var all verdict
	for i := range o.fields {
		f := &o.fields[i]
		v, ok := data[f.name]
		isNull := string(v) == "null"
		switch {
		case !ok && f.required:
			return at(invalid("is required"), f.name)
		case !ok || isNull && f.nullable:
			continue
		case isNull:
			return at(invalid("must not be null"), f.name)
		}
		if all.add(checkJSON(c, f.node, v, layer+1)) {
			return at(all.err, f.name)
		}
	}
	return all.err
}

// checkNames refuses what is a property but for upper and lower case: encoding/json takes it for the property, which would
// then not have been checked.
func (o *object) checkNames(c *checker, data map[string]json.RawMessage) error {
	for name := range data {
		if o.has(name) {
			continue
		}
		if err := c.spend(len(o.fields)); err != nil {
			return err
		}
		like := slices.IndexFunc(o.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
		if like >= 0 {
			return at(invalid("must be spelt "+o.fields[like].name), name)
		}
	}
	return nil
}

func (o *object) has(name string) bool {
	_, ok := slices.BinarySearchFunc(o.fields, name, func(f field, name string) int { return strings.Compare(f.name, name) })
	return ok
}

func (a *array) checkJSON(c *checker, text []byte, layer int) error {
	list, err := splitArray(text)
	if err != nil {
		return err
	}
	if err := a.checkLength(len(list)); err != nil {
		return err
	}
	var all verdict
	for i, v := range list {
		if all.add(checkJSON(c, a.items, v, layer+1)) {
			return at(all.err, "["+strconv.Itoa(i)+"]")
		}
	}
	return all.err
}

func startsWith(text []byte, b byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte{b})
}

func checkDecoded(c *checker, n node, text []byte) error {
	value, err := decode(text)
	if err != nil {
		return err
	}
	return n.check(c, value)
}

// decode decodes JSON to a value of the data model, nothing to nil.
func decode(text []byte) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	switch b := text[0]; {
	case b == '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, leafError(err)
	case string(text) == "true" || string(text) == "false":
		return b == 't', nil
	case b == '-' || b >= '0' && b <= '9':
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return nil, invalid("must be an integer")
		}
		return n, nil
	}
	wrapped := append(append([]byte(`{"":`), text...), '}')
	value, err := atdata.UnmarshalJSON(wrapped)
	if err != nil {
		return nil, leafError(err)
	}
	return value[""], nil
}
