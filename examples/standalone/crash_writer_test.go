//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// writer writes to one collection of an account, one request at a time, and remembers what must be there.
type writer struct {
	session
	collection string
	random     *rand.Rand
	made       int // how many records and record keys

	commits []string           // the CIDs of those that were acknowledged
	known   map[string]version // by record key: what was acknowledged
	pending change             // what was asked for in the last request, if that wasn't acknowledged
}

// version is a record's content.
type version struct {
	Text string // no two versions have the same
	CID  string // "" if nobody has told
	blob []byte // that the record refers to
}

// commitMeta is what an answer says of the commit that a request has made.
type commitMeta struct{ CID string }

// change is what a request makes of records, all of it or nothing: nil deletes. The key "" stands for one that the server
// chooses.
type change map[string]*version

// keep is how many records a writer keeps, about.
const keep = 10

// write does one request. After an error it isn't known whether it has happened.
func (w *writer) write(ctx context.Context) error {
	var err error
	switch n := w.random.IntN(100); {
	case n < 30 || len(w.known) == 0:
		err = w.create(ctx, nil)
	case n < 45:
		blob := make([]byte, 1+w.random.IntN(1<<(5+w.random.IntN(13))))
		for i := range blob {
			blob[i] = byte(w.random.Uint32())
		}
		err = w.create(ctx, blob)
	case n < 60:
		err = w.put(ctx)
	case n < 75 || len(w.known) > keep:
		err = w.delete(ctx)
	default:
		err = w.applyWrites(ctx)
	}
	if err == nil {
		w.pending = nil
	}
	return err
}

func (w *writer) create(ctx context.Context, blob []byte) error {
	v := w.version()
	record := w.record(v)
	if blob != nil {
		var uploaded struct{ Blob json.RawMessage }
		err := w.do(ctx, "POST", "com.atproto.repo.uploadBlob", "application/octet-stream", bytes.NewReader(blob), &uploaded)
		if err != nil {
			return err
		}
		v.blob, record["embed"] = blob, uploaded.Blob
	}
	w.pending = change{"": v}
	var out struct {
		URI, CID string
		Commit   commitMeta
	}
	err := w.post(ctx, "com.atproto.repo.createRecord",
		map[string]any{"repo": w.did, "collection": w.collection, "record": record}, &out)
	if err == nil {
		v.CID = out.CID
		w.known[path.Base(out.URI)] = *v
		w.commits = append(w.commits, out.Commit.CID)
	}
	return err
}

func (w *writer) put(ctx context.Context) error {
	v, key := w.version(), w.key()
	if w.random.IntN(2) == 0 {
		key = w.some(1)[0]
	}
	w.pending = change{key: v}
	var out struct {
		CID    string
		Commit commitMeta
	}
	err := w.post(ctx, "com.atproto.repo.putRecord",
		map[string]any{"repo": w.did, "collection": w.collection, "rkey": key, "record": w.record(v)}, &out)
	if err == nil {
		v.CID = out.CID
		w.known[key] = *v
		w.commits = append(w.commits, out.Commit.CID)
	}
	return err
}

func (w *writer) delete(ctx context.Context) error {
	key := w.some(1)[0]
	w.pending = change{key: nil}
	var out struct{ Commit commitMeta }
	err := w.post(ctx, "com.atproto.repo.deleteRecord",
		map[string]any{"repo": w.did, "collection": w.collection, "rkey": key}, &out)
	if err == nil {
		w.commits = append(w.commits, out.Commit.CID)
		delete(w.known, key)
	}
	return err
}

// applyWrites creates, updates and deletes up to three records each.
func (w *writer) applyWrites(ctx context.Context) error {
	var writes []map[string]any
	var keys []string
	w.pending = change{}
	add := func(action, key string, v *version) {
		write := map[string]any{
			"$type": "com.atproto.repo.applyWrites#" + action, "collection": w.collection, "rkey": key,
		}
		if v != nil {
			write["value"] = w.record(v)
		}
		writes, keys = append(writes, write), append(keys, key)
		w.pending[key] = v
	}
	for range 1 + w.random.IntN(3) {
		add("create", w.key(), w.version())
	}
	old := w.some(w.random.IntN(7))
	for i, key := range old {
		if i < len(old)/2 {
			add("update", key, w.version())
		} else {
			add("delete", key, nil)
		}
	}
	var out struct {
		Results []struct{ CID string }
		Commit  commitMeta
	}
	err := w.post(ctx, "com.atproto.repo.applyWrites", map[string]any{"repo": w.did, "writes": writes}, &out)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if v := w.pending[key]; v != nil {
			v.CID = out.Results[i].CID
		}
	}
	w.pending.apply(w.known)
	w.commits = append(w.commits, out.Commit.CID)
	return nil
}

func (w *writer) version() *version {
	w.made++
	return &version{Text: fmt.Sprintf("%s %s %d %s", w.did, w.collection, w.made, strings.Repeat("x", w.random.IntN(300)))}
}

func (w *writer) record(v *version) map[string]any {
	return map[string]any{"$type": w.collection, "text": v.Text}
}

// key returns a new record key.
func (w *writer) key() string {
	w.made++
	return fmt.Sprintf("key%d", w.made)
}

// some returns the keys of up to n records, any.
func (w *writer) some(n int) []string {
	keys := slices.Sorted(maps.Keys(w.known))
	w.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:min(n, len(keys))]
}

func (c change) apply(to map[string]version) {
	for key, v := range c {
		if v == nil {
			delete(to, key)
		} else {
			to[key] = *v
		}
	}
}

// settle holds what is stored against what is known: it has to be just that, or that with the whole of the pending
// change, and then it reports that the change has happened.
func (w *writer) settle(stored map[string]version) (happened bool, err error) {
	without := w.matches(w.known, stored)
	if without != "" && w.pending != nil {
		known := maps.Clone(w.known)
		w.chosen(stored).apply(known)
		if w.matches(known, stored) == "" {
			w.known, without, happened = known, "", true
		}
	}
	if without != "" {
		return false, fmt.Errorf("%s of %s: what was acknowledged (-) and what is there (+):\n%s\nnot acknowledged was %+v",
			w.collection, w.did, without, w.pending)
	}
	for key, v := range w.known {
		v.CID = stored[key].CID
		w.known[key] = v
	}
	w.pending = nil
	return happened, nil
}

// chosen is the pending change with the key that the server has chosen.
func (w *writer) chosen(stored map[string]version) change {
	v := w.pending[""]
	if v == nil {
		return w.pending
	}
	for key, s := range stored {
		if s.Text == v.Text {
			return change{key: v}
		}
	}
	return w.pending
}

// matches returns the difference, if there is one.
func (w *writer) matches(known, stored map[string]version) string {
	known = maps.Clone(known)
	for key, v := range known {
		if v.CID == "" {
			v.CID = stored[key].CID
		}
		v.blob = nil
		known[key] = v
	}
	return cmp.Diff(known, stored, cmp.AllowUnexported(version{}))
}
