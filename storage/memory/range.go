package memory

import (
	"github.com/pdskit/pdskit/storage"
	"github.com/tidwall/btree"
)

// scan calls each with the records of a range, whatever its limit, until it returns false.
func (r *repo) scan(in storage.RecordRange, each func(*record) bool) {
	at := func(path string) *record { return &record{Record: storage.Record{Path: path}} }
	get := func(path string) bool {
		rec, _ := r.records.Get(at(path))
		return each(rec)
	}
	low, high := bounds(in)
	switch {
	case in.Subject != "":
		between(r.subjects, subject{in.Subject, low}, subject{in.Subject, high}, in.Reverse, func(s subject) bool {
			return get(s.path)
		})
	case in.Blob.Defined():
		blob := in.Blob.String()
		between(r.refs, ref{blob: blob, path: low}, ref{blob: blob, path: high}, in.Reverse, func(f ref) bool {
			return get(f.path)
		})
	default:
		between(r.records, at(low), at(high), in.Reverse, each)
	}
}

// bounds returns what the paths of a range are greater than, and what they are less than.
func bounds(in storage.RecordRange) (low, high string) {
	if in.Collection == "" {
		return "", "\xff" // which no path begins with, since it isn't UTF-8
	}
	prefix := string(in.Collection) + "/"
	low, high = prefix+string(in.After), string(in.Collection)+"0" // the string after all that begin with prefix
	if in.Before != "" {
		high = prefix + string(in.Before)
	}
	return low, high
}

// between calls each with the items of a table that are greater than low and less than high, in
// ascending or descending order, until it returns false.
func between[T any](table *btree.BTreeG[T], low, high T, reverse bool, each func(T) bool) {
	if reverse {
		table.Descend(high, func(item T) bool {
			return !table.Less(item, high) || table.Less(low, item) && each(item)
		})
		return
	}
	table.Ascend(low, func(item T) bool {
		return table.Less(item, high) && (!table.Less(low, item) || each(item))
	})
}
