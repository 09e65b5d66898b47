package data

import (
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
)

// maxHeight is one more than the greatest height that a key's hash can give: no path down a tree
// has more nodes.
const maxHeight = 129

var (
	errHeight = errors.New("tree higher than any key")
	errNode   = errors.New("malformed node")
	errPrefix = errors.New("prefix longer than the key before")
)

// Lookup follows a path down a tree from its root node, and returns the CID of the record there,
// which is undefined if there is none. It asks for the blocks of the nodes on its way with block,
// which has to return what the CID names.
//
// Errors: that a node is malformed or the tree too high; those of block, as they are.
//
// Spec: https://atproto.com/specs/repository#mst-structure
func Lookup(root cid.Cid, path string, block func(cid.Cid) ([]byte, error)) (cid.Cid, error) {
	next := root
	for range maxHeight {
		b, err := block(next)
		if err != nil {
			return cid.Undef, err
		}
		value, child, err := findInNode(b, path)
		if err != nil {
			return cid.Undef, fmt.Errorf("node %s: %w", next, err)
		}
		if value.Defined() || !child.Defined() {
			return value, nil
		}
		next = child
	}
	return cid.Undef, errHeight
}

// findInNode finds the record at a path in a node, or the child below which it would be. It reads
// as much of the node as it takes.
func findInNode(node []byte, path string) (value, child cid.Cid, err error) {
	if err := WellFormed(node); err != nil {
		return cid.Undef, cid.Undef, err
	}
	if child, err = childLink(node, "l"); err != nil {
		return cid.Undef, cid.Undef, err
	}
	entries, _, ok := Property(node, "e")
	major, n, rest, isItem := head(entries)
	if !ok || !isItem || major != array {
		return cid.Undef, cid.Undef, errNode
	}
	var key []byte
	for ; n > 0; n-- {
		var entry []byte
		if entry, rest, err = Split(rest); err != nil {
			return cid.Undef, cid.Undef, err
		}
		if key, err = entryKey(key, entry); err != nil {
			return cid.Undef, cid.Undef, err
		}
		switch {
		case string(key) == path:
			v, _, _ := Property(entry, "v")
			value, _, ok := link(v)
			if !ok {
				return cid.Undef, cid.Undef, errNode
			}
			return value, cid.Undef, nil
		case string(key) > path:
			return cid.Undef, child, nil
		}
		if child, err = childLink(entry, "t"); err != nil {
			return cid.Undef, cid.Undef, err
		}
	}
	return cid.Undef, child, nil
}

// entryKey makes the key of an entry of that of the entry before, with which it shares a prefix.
func entryKey(before, entry []byte) ([]byte, error) {
	p, _, _ := Property(entry, "p")
	major, shared, _, ok := head(p)
	if !ok || major != unsigned {
		return nil, errNode
	}
	if shared > uint64(len(before)) {
		return nil, errPrefix
	}
	k, _, _ := Property(entry, "k")
	suffix, _, ok := str(k, byteString)
	if !ok {
		return nil, errNode
	}
	return append(before[:shared], suffix...), nil
}

// childLink returns a property that is a link or null, as an undefined CID.
func childLink(object []byte, name string) (cid.Cid, error) {
	value, _, ok := Property(object, name)
	if ok && len(value) == 1 && value[0] == itemNull {
		return cid.Undef, nil
	}
	c, _, ok := link(value)
	if !ok {
		return cid.Undef, errNode
	}
	return c, nil
}

// link reads a link: a CID under tag 42.
func link(b []byte) (c cid.Cid, rest []byte, ok bool) {
	major, n, rest, ok := head(b)
	if !ok || major != tag || n != linkTag {
		return cid.Undef, nil, false
	}
	return cidBytes(rest)
}

// cidBytes reads a CID as it stands under the tag: as a byte string with a zero byte in front.
func cidBytes(b []byte) (c cid.Cid, rest []byte, ok bool) {
	s, rest, ok := str(b, byteString)
	if !ok || len(s) < 2 || s[0] != 0 {
		return cid.Undef, nil, false
	}
	c, err := cid.Cast(s[1:])
	return c, rest, err == nil
}
