package storagetest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

// crashWriters is how many write at once, each to an account of its own. The last one replaces its
// repo, and nothing else.
const crashWriters = 5

// crashState is what a writer's account is after some steps. It never changes; a step leads to
// another one. The steps are always the same, so that the process that kills knows what the one
// that writes did.
type crashState struct {
	writer, step int

	did       syntax.DID
	account   storage.Account
	tree      *tree // nil while there is no account
	documents []storage.Document
	blobs     map[string]storage.Blob // by their bytes
	log       []string                // as [kinds] returns it
	writes    int                     // so that every text is another one
}

type crashStep struct {
	name string
	do   func(ctx context.Context, s storage.Store) error
}

func newCrashState(writer int) *crashState {
	return &crashState{writer: writer, did: testDID(writer), blobs: map[string]storage.Blob{}}
}

// next returns the next step and what it leads to.
func (c *crashState) next() (crashStep, *crashState) {
	next := *c
	next.step++
	next.blobs, next.log, next.documents = maps.Clone(c.blobs), slices.Clip(c.log), slices.Clone(c.documents)
	switch {
	case c.tree == nil:
		return next.create(), &next
	case c.writer == crashWriters-1:
		return next.replace(300), &next
	case c.step%40 == 39 && len(c.blobs) == 0: // blobs of a deleted account would have to be claimed by somebody
		return next.delete(), &next
	}
	steps := []func() crashStep{next.commit, next.document, next.update, next.commit, next.append, next.document}
	if c.writer < 2 {
		steps = append(steps, next.upload, next.commit, func() crashStep { return next.replace(5) }, next.takeDown)
	}
	return steps[c.step%len(steps)](), &next
}

func (c *crashState) create() crashStep {
	a, r := newAccount(c.writer, c.records(2)...)
	a.Account.DID = c.did
	c.account, c.tree = a.Account, r
	c.log = append(c.log, kinds(a.Commit.Events)...)
	return crashStep{"CreateAccount", func(ctx context.Context, s storage.Store) error {
		return only(s.CreateAccount(ctx, a))
	}}
}

// records returns n writes of records, of which each names a subject and may refer to the account's
// blobs.
func (c *crashState) records(n int) (ws []storage.RecordWrite) {
	for i := range n {
		c.writes++
		w := about(fmt.Sprintf("a.b.c/%d", (c.writes+i)%max(7, n)), fmt.Sprint("text ", c.writes), fmt.Sprint(c.writes%3))
		if slices.ContainsFunc(ws, func(o storage.RecordWrite) bool { return o.Path == w.Path }) {
			continue
		}
		if b, there := c.blobs[fmt.Sprint("blob ", c.writes%4)]; there && c.writes%2 == 0 {
			w = about(w.Path, fmt.Sprint("text ", c.writes), w.Subject, b.CID)
		}
		ws = append(ws, w)
	}
	return ws
}

func (c *crashState) commit() crashStep {
	writes := c.records(2)
	if c.step%3 == 0 {
		writes = append(writes, del("d.e.f/1"))
	} else {
		writes = append(writes, put("d.e.f/1", fmt.Sprint(c.step)))
	}
	commit, next := c.tree.commit(writes...)
	commit.Guard = &storage.Guard{Epoch: c.account.Epoch}
	c.tree = next
	c.log = append(c.log, kinds(commit.Events)...)
	return crashStep{"Commit", func(ctx context.Context, s storage.Store) error { return only(s.Commit(ctx, commit)) }}
}

func (c *crashState) replace(n int) crashStep {
	commit, rows, next := c.tree.replace(c.records(n)...)
	c.tree = next
	c.log = append(c.log, kinds(commit.Events)...)
	return crashStep{"Replace", func(ctx context.Context, s storage.Store) error {
		return only(s.Replace(ctx, commit, rowsOf(rows)))
	}}
}

func (c *crashState) update() crashStep {
	c.account.Epoch++
	c.account.PasswordHash = fmt.Sprint("hash ", c.step)
	epoch, hash, e := c.account.Epoch, c.account.PasswordHash, testEvent(c.did, storage.EventAccount, c.step)
	c.log = append(c.log, kinds([]storage.Event{e})...)
	return crashStep{"UpdateAccount", func(ctx context.Context, s storage.Store) error {
		return only(s.UpdateAccount(ctx, c.did, func(a *storage.Account) error {
			a.Epoch, a.PasswordHash = epoch, hash
			return nil
		}, e))
	}}
}

// document puts documents, swaps one, or takes one.
func (c *crashState) document() crashStep {
	n := len(c.documents)
	if n < 3 {
		d := forever("kind", fmt.Sprint(c.writer, " ", c.step), c.did)
		c.documents = append(c.documents, d)
		return crashStep{"PutDocument", func(ctx context.Context, s storage.Store) error {
			return s.PutDocument(ctx, storage.NewDocument{Document: d, Limit: 3})
		}}
	}
	old := c.documents[n-1]
	if c.step%2 == 0 {
		c.documents = c.documents[:n-1]
		return crashStep{"TakeDocument", func(ctx context.Context, s storage.Store) error {
			return only(s.TakeDocument(ctx, old.Kind, old.ID))
		}}
	}
	new := old
	new.Value = fmt.Append(nil, c.step)
	c.documents[n-1] = new
	return crashStep{"SwapDocument", func(ctx context.Context, s storage.Store) error {
		return s.SwapDocument(ctx, old, fresh(new))
	}}
}

func (c *crashState) append() crashStep {
	es := []storage.Event{testEvent(c.did, storage.EventIdentity, c.step), testEvent(c.did, storage.EventAccount, c.step)}
	c.log = append(c.log, kinds(es)...)
	return crashStep{"AppendEvents", func(ctx context.Context, s storage.Store) error {
		return only(s.AppendEvents(ctx, es...))
	}}
}

func (c *crashState) upload() crashStep {
	data := fmt.Sprint("blob ", c.step%4)
	b := testBlob(c.did, data, c.step)
	c.blobs[data] = b
	return crashStep{"PutBlob", func(ctx context.Context, s storage.Store) error { return s.PutBlob(ctx, b, nil) }}
}

func (c *crashState) takeDown() crashStep {
	down := storage.Takedown{DID: c.did, Path: c.tree.sortedRecords()[0].Path, Ref: fmt.Sprint("ref ", c.step)}
	c.tree = c.tree.takeDown(down.Path, down.Ref)
	return crashStep{"SetTakedown", func(ctx context.Context, s storage.Store) error { return s.SetTakedown(ctx, down) }}
}

func (c *crashState) delete() crashStep {
	e := testEvent(c.did, storage.EventAccount, c.step)
	c.tree, c.documents, c.log = nil, nil, kinds([]storage.Event{e})
	return crashStep{"DeleteAccount", func(ctx context.Context, s storage.Store) error {
		return only(s.DeleteAccount(ctx, c.did, e))
	}}
}
