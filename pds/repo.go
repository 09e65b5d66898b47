package pds

import (
	"context"
	"errors"
	"iter"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Repo reads and writes an account's repo from Go, with the authority of the host program: no session is asked for.
// Records keep the same rules as those that come over HTTP, and errors of the caller's making are an *xrpc.Error. What an
// account isn't allowed while it isn't active, the host isn't either: the network doesn't want the commits of such a repo.
//
// Reads show all there is. Whether others may see it is for the host to look at, who shows it: a record's TakenDown, and the
// account's Status, in storage.Account.
type Repo struct {
	did    syntax.DID
	server *Server
	reader storage.RepoReader
}

// Repo returns the repo of an account.
func (s *Server) Repo(did syntax.DID) Repo { return Repo{did: did, server: s, reader: s.store} }

// Snapshot calls read with the repo as it is at one moment: until read returns, reads show that, whatever is written
// meanwhile, and writers aren't delayed. The repo isn't to be used after that. It returns what read returns.
func (r Repo) Snapshot(ctx context.Context, read func(Repo) error) error {
	return r.server.store.Snapshot(ctx, func(reader storage.RepoReader) error {
		return read(Repo{did: r.did, server: r.server, reader: reader})
	})
}

// Rev returns the rev of the newest commit: everything up to it, and nothing after it, is in the repo. Error:
// storage.ErrNotFound if there is no such repo.
func (r Repo) Rev(ctx context.Context) (syntax.TID, error) {
	head, err := r.reader.Head(ctx, r.did)
	return head.Rev, err
}

// Record is a record as it stands in a repo, its value as package atdata of indigo represents the data model.
type Record = RecordOf[map[string]any]

// Get returns a record. Error: storage.ErrNotFound.
func (r Repo) Get(ctx context.Context, collection syntax.NSID, rkey syntax.RecordKey) (Record, error) {
	row, err := r.row(ctx, collection, rkey)
	if err != nil {
		return Record{}, err
	}
	return r.decode(row)
}

// List yields the records of a collection in ascending order of their keys.
func (r Repo) List(ctx context.Context, collection syntax.NSID) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for row, err := range r.rows(ctx, collection) {
			if err != nil {
				yield(Record{}, err)
				return
			}
			if rec, err := r.decode(row); !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Verify checks the whole repo as it is stored: the signature of its commit, every CID, the order and heights of the
// tree, and that its records are exactly the tree's. It returns an error that says what is wrong.
func (r Repo) Verify(ctx context.Context) error {
	ident, err := r.server.identity.LookupDID(ctx, r.did)
	if err != nil {
		return err
	}
	key, err := ident.PublicKey()
	if err != nil {
		return errors.Join(errors.New("pds: the identity names no signing key"), err)
	}
	return r.server.engine.Verify(ctx, r.did, key)
}

func (r Repo) row(ctx context.Context, collection syntax.NSID, rkey syntax.RecordKey) (storage.Record, error) {
	return r.reader.Record(ctx, r.did, collection.String()+"/"+rkey.String())
}

func (r Repo) rows(ctx context.Context, collection syntax.NSID) iter.Seq2[storage.Record, error] {
	return r.reader.Records(ctx, r.did, storage.RecordRange{Collection: collection})
}

func (r Repo) decode(row storage.Record) (Record, error) {
	value, err := data.Decode(row.Bytes)
	return Record{
		URI: r.uri(row.Path), CID: row.CID, Rev: row.Rev, Value: value, TakenDown: row.TakedownRef != "",
	}, err
}

func (r Repo) uri(path string) syntax.ATURI {
	return syntax.ATURI("at://" + r.did.String() + "/" + path)
}
