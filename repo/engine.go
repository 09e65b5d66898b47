package repo

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// The protocol's limits.
const (
	MaxOps         = 200                 // operations in a commit
	MaxCommitBytes = 2_000_000           // bytes of the CAR in a commit's event
	MaxRecordBytes = data.MaxRecordBytes // 1 MiB
)

// Signer signs commits. It may be called from many goroutines at once.
type Signer interface {
	// Sign returns the signature of the SHA-256 of unsigned by the current signing key of a DID: 64 bytes, r and s, with
	// low s.
	//
	// Spec: https://atproto.com/specs/cryptography
	Sign(ctx context.Context, did syntax.DID, unsigned []byte) (sig []byte, err error)
}

// Config is what an [Engine] is made of.
type Config struct {
	// Required.
	Store  storage.Repos
	Signer Signer

	// CacheBytes bounds the memory for nodes of recently written repos, which is estimated. If zero, 64 MiB. If
	// negative, nothing is kept between two writes.
	CacheBytes int64

	// Now is the clock. If nil, time.Now.
	Now func() time.Time

	// SpillDir is where imports put the blocks that don't fit into memory, in files that are unlinked while in use. If
	// "", os.TempDir().
	SpillDir string
}

// Engine works on the repos of a storage. Its methods may be called from many goroutines at once.
type Engine struct {
	store    storage.Repos
	signer   Signer
	now      func() time.Time
	spillDir string
	hold     int64 // bytes of blocks that an import holds in memory
	actors   *actors

	nodesRead atomic.Int64 // by Apply, from storage
}

// New returns an engine. It opens and starts nothing, so there is nothing to close.
func New(c Config) (*Engine, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("repo: Config.Store is required"))
	}
	if c.Signer == nil {
		errs = append(errs, errors.New("repo: Config.Signer is required"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 64 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SpillDir == "" {
		c.SpillDir = os.TempDir()
	}
	return &Engine{
		store:    c.Store,
		signer:   c.Signer,
		now:      c.Now,
		spillDir: c.SpillDir,
		hold:     32 << 20,
		actors:   newActors(c.CacheBytes),
	}, nil
}

// Forget drops what is cached of a repo. It is never needed for correctness.
func (e *Engine) Forget(did syntax.DID) { e.actors.forget(did) }

// Hold calls do while no other call of this engine changes a repo: the head that do reads stays what it is until do
// returns. Engines elsewhere on the same storage aren't kept out. do mustn't call Apply, Import or Hold for the same repo:
// they would wait for it. Hold returns what do returns, or the error of ctx if that ended before.
func (e *Engine) Hold(ctx context.Context, did syntax.DID, do func() error) error {
	a, err := e.actors.acquire(ctx, did)
	if err != nil {
		return err
	}
	defer e.actors.release(a)
	return do()
}
