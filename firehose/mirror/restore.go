package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/firehose"
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
	FirstSeq int64 // the sequence number after which those of the restored server begin
}

// ErrNotEmpty: a store that is to be restored into has accounts that aren't from the mirror.
var ErrNotEmpty = errors.New("mirror: the store isn't empty")

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
		return errors.New("mirror: there is no backup")
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
		if err := r.Store.PutKey(ctx, name, sealed); err != nil && !errors.Is(err, storage.ErrExists) {
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
	if err := r.blobs(ctx, man); err != nil {
		return err
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

// blobs restores the blobs that the records of an account refer to.
func (r *restorer) blobs(ctx context.Context, man manifest) error {
	c, done, err := r.open(ctx, man)
	if err != nil {
		return err
	}
	defer done()
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if row.Record == nil || len(row.Record.Blobs) == 0 {
			continue
		}
		record, err := atdata.UnmarshalCBOR(row.Record.Bytes)
		if err != nil {
			return fmt.Errorf("mirror: record %s: %w", row.Record.Path, err)
		}
		for _, b := range atdata.ExtractBlobs(record) {
			if err := r.blob(ctx, man.DID, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *restorer) blob(ctx context.Context, did syntax.DID, ref atdata.Blob) error {
	c := ref.Ref.CID()
	switch _, err := r.Store.Blob(ctx, did, c); {
	case err == nil:
		return nil // another record refers to it as well
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	in, err := r.From.Open(ctx, blobObject(did, c))
	if isNotExist(err) {
		return nil // the source hadn't got it
	}
	if err != nil {
		return err
	}
	defer in.Close()
	size, err := r.putBlob(ctx, did, c, in)
	if err != nil {
		return err
	}
	r.done.Blobs++
	return r.Store.PutBlob(ctx, storage.Blob{
		DID: did, CID: c, Size: size, MIMEType: cmp.Or(ref.MimeType, "application/octet-stream"), CreatedAt: r.Now(),
	})
}

func (r *restorer) putBlob(ctx context.Context, did syntax.DID, c cid.Cid, in io.Reader) (int64, error) {
	_, size, err := r.Blobs.PutBlob(ctx, did, newBlobReader(in, c))
	return size, err
}

// content restores an account and its repo. The account comes into being without the repo's content, which follows at
// once; if that fails, the account goes again, and if the process dies between the two, a later try finds it and goes on. An
// account that was there before never goes: by now it may be somebody's.
func (r *restorer) content(ctx context.Context, man manifest) error {
	c, done, err := r.open(ctx, man)
	if err != nil {
		return err
	}
	defer done()
	row, private, err := r.row(ctx, man)
	if err != nil {
		return err
	}
	created, err := r.create(ctx, row, private, c.Head)
	if err != nil {
		return err
	}
	account, err := r.Store.Account(ctx, man.DID)
	if err != nil {
		return err
	}
	events, err := r.events(account, c.Head)
	if err != nil {
		return err
	}
	_, err = r.Store.Replace(ctx, storage.Commit{Prev: c.Head.Commit, Head: c.Head, Events: events}, c.Rows())
	if err != nil && created {
		_, undo := r.Store.DeleteAccount(context.WithoutCancel(ctx), man.DID)
		err = errors.Join(err, undo)
	}
	if err != nil {
		return err
	}
	return r.takedowns(ctx, &private)
}

// create creates an account, with its key, preferences and tokens, and reports whether it hadn't been there.
func (r *restorer) create(
	ctx context.Context, account storage.Account, private Private, head storage.Head,
) (created bool, err error) {
	did := account.DID
	if len(private.SealedKey) > 0 {
		if err := r.Store.PutKey(ctx, string(did), private.SealedKey); err != nil {
			return false, err
		}
	} else {
		r.done.NoKey++
	}
	there, err := r.Store.Head(ctx, did)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		err = r.insert(ctx, account, head)
		created = err == nil
	case err == nil && there.Commit != head.Commit:
		err = ErrNotEmpty
	}
	if err != nil {
		return created, fmt.Errorf("mirror: %s: %w", did, err)
	}
	if len(private.Preferences) > 0 {
		err := r.Store.UpdatePreferences(ctx, did, func([]byte) ([]byte, error) { return private.Preferences, nil })
		if err != nil {
			return created, err
		}
	}
	for _, t := range private.Tokens {
		err := r.Store.PutToken(ctx, storage.Token{
			Kind: t.Kind, ID: t.ID, DID: did, Value: t.Value, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
		})
		if err != nil && !errors.Is(err, storage.ErrExists) {
			return created, err
		}
	}
	return created, nil
}

// insert stores a new account. The mirror has the rows of different moments: a handle or an address that one account has
// given up and another has taken since may be in both. It stays with the first, and the second is restored without it.
func (r *restorer) insert(ctx context.Context, account storage.Account, head storage.Head) error {
	for {
		_, err := r.Store.CreateAccount(ctx, storage.NewAccount{Account: account, Commit: storage.Commit{Head: head}})
		switch {
		case errors.Is(err, storage.ErrHandleTaken) && account.Handle != "":
			account.Handle = ""
		case errors.Is(err, storage.ErrEmailTaken) && account.Email != "":
			account.Email, account.EmailConfirmedAt = "", time.Time{}
		default:
			return err
		}
		r.check.damaged(&Damage{DID: account.DID, Err: err})
	}
}

// row returns the account's row. Where the mirror has no private part, what is public is all there is.
func (r *restorer) row(ctx context.Context, man manifest) (storage.Account, Private, error) {
	p, err := loadPrivate(ctx, r.From, man.DID)
	if err == nil {
		return p.account(), p, nil
	}
	if !isNotExist(err) {
		return storage.Account{}, p, err
	}
	p = Private{DID: man.DID}
	a := storage.Account{DID: man.DID, Handle: man.Handle, CreatedAt: r.Now()}
	switch man.Status {
	case storage.StatusDeactivated:
		a.DeactivatedAt = r.Now()
	case storage.StatusTakendown, storage.StatusSuspended:
		a.TakedownRef, a.Suspended = "restored", man.Status == storage.StatusSuspended
	}
	return a, p, nil
}

// events tell relays of a restored account.
func (r *restorer) events(a storage.Account, head storage.Head) ([]storage.Event, error) {
	now := r.Now()
	identity, err := firehose.IdentityEvent(a.DID, a.Handle, now)
	if err != nil {
		return nil, err
	}
	status, err := firehose.AccountEvent(a.DID, a.Status(), now)
	if err != nil || a.Status() != storage.StatusActive {
		return []storage.Event{identity, status}, err
	}
	sync, err := pdsrepo.SyncEvent(now, head)
	return []storage.Event{identity, status, sync}, err
}
