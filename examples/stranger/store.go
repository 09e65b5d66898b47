package main

import (
	"context"
	"log/slog"

	"github.com/pdskit/pdskit/storage"
)

// README: store
// audited is another store, but for what it replaces.
type audited struct {
	storage.Store
	log *slog.Logger
}

func (a audited) Unwrap() storage.Store { return a.Store }

func (a audited) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := a.Store.Commit(ctx, c)
	a.log.Info("commit", "repo", c.Head.DID, "seq", seq, "err", err)
	return seq, err
}

// README: end
