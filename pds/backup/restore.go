package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// RestoreConfig says what to restore, and where to.
type RestoreConfig struct {
	// Required.

	From  Bucket
	Store storage.Store // has no accounts but those of an earlier try
	Blobs storage.Blobs

	// Optional.

	// SeqMargin is by how much the sequence numbers of the restored server begin above the mirror's cursor: more than
	// the source can have sent after the mirror's last word of it. If zero, a thousand million.
	SeqMargin int64

	// SpillDir is for temporary files. If "", os.TempDir().
	SpillDir string

	// Damaged is called with each damage, as by [Check]. If nil, nothing is.
	Damaged func(*Damage)

	// Progress is called after each account. If nil, nothing is.
	Progress func(Restored)

	// Now is the clock. If nil, time.Now.
	Now func() time.Time
}

// Restored is what [Restore] has done.
type Restored struct {
	Checked Summary // what was read

	Accounts int64 // that were restored
	Blobs    int64 // that were restored
	NoKey    int64 // restored accounts without a signing key: they can be read, but not written
	NoRepo   int64 // accounts that weren't restored since the mirror never got their repo
	Damaged  int64 // accounts that weren't restored because RestoreConfig.Damaged was told of a damage
	FirstSeq int64 // the sequence number after which those of the restored server begin
}

// ErrNotEmpty: a store that is to be restored into has accounts that aren't from the mirror.
var ErrNotEmpty = errors.New("backup: the store isn't empty")

// Restore puts what a mirror holds into an empty store: each repo under the very commit that it had, the blobs, the accounts with
// their status, and, from the mirror of a [Local], their e-mail addresses, passwords, signing keys and preferences, and the
// takedowns of their records and blobs. Each account is first checked in full, and then restored whole or, if something is
// wrong, not at all; the others are restored all the same. A handle or an address that two accounts have, since one of them
// took it from the other shortly before the end, is left to the first, which is a damage of the second. Deleted accounts
// aren't restored.
//
// The event log begins above every sequence number that the source can have used, with the events that tell relays of each
// account what is so now: they may have seen later ones of the source than the mirror has.
//
// After a crash it can be called again, with the same store. Errors: [ErrNotEmpty]; those of the bucket and the store.
// Damages are counted.
func Restore(ctx context.Context, c RestoreConfig) (Restored, error) {
	c.SeqMargin = cmp.Or(c.SeqMargin, 1_000_000_000)
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &restorer{RestoreConfig: c}
	r.check = checker{CheckConfig: CheckConfig{From: c.From, SpillDir: c.SpillDir, Damaged: c.Damaged}}
	err := r.run(ctx)
	r.done.Checked = r.check.sum
	return r.done, err
}

type restorer struct {
	RestoreConfig
	check checker
	done  Restored
}

func (r *restorer) run(ctx context.Context) error {
	s, err := loadState(ctx, r.From)
	if err != nil {
		return err
	}
	if s.Origin == "" {
		return errors.New("backup: there is no backup")
	}
	if err := r.checkEmpty(ctx); err != nil {
		return err
	}
	r.check.sum.Cursor, r.done.FirstSeq = s.Cursor, s.Cursor+r.SeqMargin
	if err := r.Store.RaiseSeq(ctx, r.done.FirstSeq); err != nil {
		return err
	}
	if err := r.server(ctx); err != nil {
		return err
	}
	for name, err := range r.From.List(ctx, accountsPrefix) {
		if err != nil {
			return err
		}
		if err := r.account(ctx, name); err != nil {
			return err
		}
		if r.Progress != nil {
			r.done.Checked = r.check.sum
			r.Progress(r.done)
		}
	}
	r.check.complete(s)
	return nil
}

// checkEmpty makes sure that all accounts of the store are from an earlier try. Error: [ErrNotEmpty].
func (r *restorer) checkEmpty(ctx context.Context) error {
	for h, err := range r.Store.ListAccounts(ctx, 0, 1) {
		if err != nil {
			return err
		}
		man, err := loadManifest(ctx, r.From, h.DID)
		if err != nil || man.Commit != h.Head.Commit.String() {
			return fmt.Errorf("%w: it has %s", ErrNotEmpty, h.DID)
		}
	}
	return nil
}

// server restores the server's own keys. Those that are there already stay.
func (r *restorer) server(ctx context.Context) error {
	var s Server
	err := loadDocument(ctx, r.From, serverName, &s)
	switch {
	case isNotExist(err):
		return nil
	case errors.Is(err, ErrDamaged):
		r.check.damaged(&Damage{Name: serverName, Err: err})
		return nil
	case err != nil:
		return err
	}
	for name, sealed := range s.Keys {
		d := storage.Document{Kind: storage.KindKey, ID: name, Value: sealed}
		if err := r.put(ctx, d); err != nil && !errors.Is(err, ErrNotEmpty) {
			return err
		}
	}
	return nil
}

// account checks and restores an account.
func (r *restorer) account(ctx context.Context, name string) error {
	before := r.check.sum.Damages
	if err := r.check.account(ctx, name); err != nil {
		return err
	}
	if r.check.sum.Damages > before {
		r.done.Damaged++
		return nil
	}
	man, err := loadManifestObject(ctx, r.From, name)
	switch {
	case err != nil:
		return err
	case man.Status == StatusDeleted:
		return nil
	case len(man.Segments) == 0:
		r.done.NoRepo++
		return nil
	}
	if err := r.content(ctx, man); err != nil {
		return err
	}
	r.done.Accounts++
	return nil
}

// open opens the repo of an account; done closes it.
func (r *restorer) open(ctx context.Context, man manifest) (c *pdsrepo.Copy, done func(), err error) {
	in := openSegments(ctx, r.From, man.Segments)
	if c, err = pdsrepo.OpenCopy(ctx, man.DID, in, r.SpillDir); err != nil {
		in.Close()
		return nil, nil, err
	}
	return c, func() { c.Close(); in.Close() }, nil
}
