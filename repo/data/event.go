package data

import (
	"bytes"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	lexutil "github.com/bluesky-social/indigo/lex/util"
	"github.com/ipfs/go-cid"
	cbg "github.com/whyrusleeping/cbor-gen"
)

// CommitStep is a commit, and the step that a repo takes with it from the commit before.
type CommitStep struct {
	DID    syntax.DID
	Commit cid.Cid
	Rev    syntax.TID

	Since    syntax.TID // the rev before; "" if this is the first commit
	PrevData cid.Cid    // the root of the tree before; undefined if this is the first commit

	Ops    []*comatproto.SyncSubscribeRepos_RepoOp
	Blocks []byte // a CAR file
}

// CommitBody encodes the body of a #commit event, with the sequence number 0.
//
// Spec: https://atproto.com/specs/sync#commit-objects
func CommitBody(s CommitStep, at time.Time) ([]byte, error) {
	m := &comatproto.SyncSubscribeRepos_Commit{
		Blobs:    []lexutil.LexLink{},
		Blocks:   s.Blocks,
		Commit:   lexutil.LexLink(s.Commit),
		Ops:      s.Ops,
		PrevData: OptionalLink(s.PrevData),
		Repo:     string(s.DID),
		Rev:      string(s.Rev),
		Time:     timestamp(at),
	}
	if s.Since != "" {
		since := string(s.Since)
		m.Since = &since
	}
	return marshal(m)
}

// SyncBody encodes the body of a #sync event, with the sequence number 0. The CAR file has the
// commit.
func SyncBody(did syntax.DID, rev syntax.TID, car []byte, at time.Time) ([]byte, error) {
	return marshal(&comatproto.SyncSubscribeRepos_Sync{
		Blocks: car, Did: string(did), Rev: string(rev), Time: timestamp(at),
	})
}

// IdentityBody encodes the body of an #identity event, with the sequence number 0. The handle is ""
// if none resolves.
func IdentityBody(did syntax.DID, handle syntax.Handle, at time.Time) ([]byte, error) {
	m := &comatproto.SyncSubscribeRepos_Identity{Did: string(did), Time: timestamp(at)}
	if handle != "" {
		h := string(handle)
		m.Handle = &h
	}
	return marshal(m)
}

// AccountBody encodes the body of an #account event, with the sequence number 0. The status is ""
// for an active account.
func AccountBody(did syntax.DID, status string, at time.Time) ([]byte, error) {
	m := &comatproto.SyncSubscribeRepos_Account{Did: string(did), Active: status == "", Time: timestamp(at)}
	if status != "" {
		m.Status = &status
	}
	return marshal(m)
}

// OptionalLink returns c as generated types have an optional link: nil if it is undefined.
func OptionalLink(c cid.Cid) *lexutil.LexLink {
	if !c.Defined() {
		return nil
	}
	return (*lexutil.LexLink)(&c)
}

func marshal(m cbg.CBORMarshaler) ([]byte, error) {
	var b bytes.Buffer
	err := m.MarshalCBOR(&b)
	return b.Bytes(), err
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
