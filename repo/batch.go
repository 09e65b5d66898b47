package repo

import (
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Action is what an operation does to the record at its path.
type Action string

const (
	Create Action = "create" // there must be none
	Update Action = "update" // there must be one
	Delete Action = "delete"
	Put    Action = "put" // create or update, whichever it takes
)

// Op is one operation of a [Batch].
type Op struct {
	Action Action
	Path   string // collection/rkey

	// Value is the new record, which [data.Check] must accept, such as what [data.Encode] returns.
	// Empty to delete.
	Value []byte

	// Blobs are the blobs that Value refers to, in any order.
	Blobs []cid.Cid

	// Swap is a condition on the record at Path: if nil, none; if *Swap is undefined, there must be no record; else it must
	// have this CID.
	Swap *cid.Cid
}

// Batch is what one commit is to do.
type Batch struct {
	// Ops are at most [MaxOps] operations, no two with the same path.
	Ops []Op

	// SwapCommit is a condition on the head; if undefined, none.
	SwapCommit cid.Cid

	// Guard is a condition on the repo's account that is checked with the write; if nil, none. A
	// batch that changes nothing isn't held against it.
	Guard *storage.Guard
}

// Result says what has become of a repo.
type Result struct {
	// Changed says whether there is a new commit.
	Changed bool

	// Commit and Rev are those of the head, new or not.
	Commit cid.Cid
	Rev    syntax.TID

	Seq int64 // of the commit's event; 0 without a new commit

	// Ops has an element for each of [Batch.Ops], in the same order.
	Ops []OpResult
}

// OpResult says what an operation came to.
type OpResult struct {
	// Action is [Create], [Update] or [Delete], or "" if there was nothing to change.
	Action Action

	CID  cid.Cid // of the record now; undefined if there is none
	Prev cid.Cid // of the record before; undefined if there was none
}

// plan is a batch that has been checked as far as it can be without the repo.
type plan struct {
	Batch
	cids  []cid.Cid   // of the values; undefined for a Delete
	blobs [][]cid.Cid // each once
	keys  []change
}

func newPlan(b Batch) (*plan, error) {
	if len(b.Ops) > MaxOps {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyOps, len(b.Ops), MaxOps)
	}
	p := &plan{
		Batch: b,
		cids:  make([]cid.Cid, len(b.Ops)),
		blobs: make([][]cid.Cid, len(b.Ops)),
		keys:  make([]change, len(b.Ops)),
	}
	paths := make(map[string]struct{}, len(b.Ops))
	total := 0
	for i, op := range b.Ops {
		if err := checkPath(op.Path); err != nil {
			return nil, fmt.Errorf("%w %q: %w", ErrInvalidPath, op.Path, err)
		}
		if _, dup := paths[op.Path]; dup {
			return nil, fmt.Errorf("%w: %s", ErrDuplicatePath, op.Path)
		}
		paths[op.Path] = struct{}{}
		switch op.Action {
		case Create, Update, Put:
			if len(op.Value) == 0 {
				return nil, fmt.Errorf("%w: %s of %s without a value", ErrInvalidOp, op.Action, op.Path)
			}
			if len(op.Value) > MaxRecordBytes {
				return nil, fmt.Errorf("%w: record %s of %d bytes", ErrTooLarge, op.Path, len(op.Value))
			}
			if err := data.Check(op.Value); err != nil {
				return nil, fmt.Errorf("%w: record %s: %w", ErrInvalidOp, op.Path, err)
			}
			p.cids[i] = data.SumCID(op.Value)
			p.blobs[i] = distinct(op.Blobs)
		case Delete:
			if len(op.Value) > 0 || len(op.Blobs) > 0 {
				return nil, fmt.Errorf("%w: delete of %s with a value", ErrInvalidOp, op.Path)
			}
		default:
			return nil, fmt.Errorf("%w: action %q", ErrInvalidOp, op.Action)
		}
		if total += len(op.Value); total > MaxCommitBytes {
			return nil, fmt.Errorf("%w: records of more than %d bytes", ErrTooLarge, MaxCommitBytes)
		}
		p.keys[i] = change{key: []byte(op.Path), value: p.cids[i], remove: op.Action == Delete}
	}
	return p, nil
}

// distinct returns each of cids once.
func distinct(cids []cid.Cid) []cid.Cid {
	if len(cids) < 2 {
		return cids
	}
	out := make([]cid.Cid, 0, len(cids))
	seen := make(map[cid.Cid]struct{}, len(cids))
	for _, c := range cids {
		if _, dup := seen[c]; !dup {
			seen[c] = struct{}{}
			out = append(out, c)
		}
	}
	return out
}

// settle holds the plan against the repo as it is: head, and what is at each path. It says what each operation comes
// to, or why the batch is refused.
func (p *plan) settle(head storage.Head, at func(key []byte) (cid.Cid, error)) ([]OpResult, error) {
	if p.SwapCommit.Defined() && p.SwapCommit != head.Commit {
		return nil, fmt.Errorf("%w: it is %s, not %s", ErrSwapCommit, head.Commit, p.SwapCommit)
	}
	results := make([]OpResult, len(p.Ops))
	for i, op := range p.Ops {
		prev, err := at(p.keys[i].key)
		if err != nil {
			return nil, err
		}
		if op.Swap != nil && *op.Swap != prev {
			return nil, fmt.Errorf("%w: %s is %s, not %s", ErrSwapRecord, op.Path, orNothing(prev), orNothing(*op.Swap))
		}
		r := OpResult{Action: op.Action, CID: p.cids[i], Prev: prev}
		switch {
		case op.Action == Create && prev.Defined():
			return nil, fmt.Errorf("%w: %s", ErrRecordExists, op.Path)
		case op.Action == Update && !prev.Defined():
			return nil, fmt.Errorf("%w: %s", ErrRecordNotFound, op.Path)
		case op.Action == Delete && !prev.Defined():
			if len(p.Ops) > 1 {
				return nil, fmt.Errorf("%w: %s", ErrRecordNotFound, op.Path)
			}
			r.Action = ""
		case r.CID == prev:
			r.Action = ""
		case op.Action == Put && prev.Defined():
			r.Action = Update
		case op.Action == Put:
			r.Action = Create
		}
		results[i] = r
	}
	return results, nil
}

func orNothing(c cid.Cid) string {
	if !c.Defined() {
		return "nothing"
	}
	return c.String()
}
