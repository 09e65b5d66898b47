package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// CheckConfig says what to check.
type CheckConfig struct {
	// Required.
	From Bucket

	// SpillDir is for temporary files. If "", os.TempDir().
	SpillDir string

	// Damaged is called with each damage, in the order in which they're found. If nil, nothing is.
	Damaged func(*Damage)

	// Progress is called after each account. If nil, nothing is.
	Progress func(Summary)
}

// Summary counts what a mirror holds.
type Summary struct {
	Cursor   int64 // the source's sequence number up to which the mirror has all events
	Accounts int64 // without deleted ones
	Deleted  int64 // accounts
	Records  int64
	Blobs    int64
	Absent   int64 // blobs that records refer to and that the source hadn't got
	Unsigned int64 // repos whose signature couldn't be verified, for want of the key
	Damages  int64
}

// Check reads a whole mirror: every checksum, every block's and blob's CID, each tree in full, and each signature by the
// key that the mirror has noted. Objects of an account that its manifest doesn't name are what a crash has left, and
// are passed over.
//
// It returns an error only if it couldn't go on; damages are counted.
func Check(ctx context.Context, c CheckConfig) (Summary, error) {
	k := &checker{CheckConfig: c}
	err := k.run(ctx)
	return k.sum, err
}

// checker checks accounts, for [Check] and [Restore].
type checker struct {
	CheckConfig
	sum Summary
}

func (k *checker) run(ctx context.Context) error {
	s, err := loadState(ctx, k.From)
	switch {
	case errors.Is(err, ErrDamaged):
		k.damaged(&Damage{Name: stateName, Err: err})
	case err != nil:
		return err
	case s.Origin == "":
		k.damaged(&Damage{Name: stateName, Err: errors.New("missing")})
	}
	k.sum.Cursor = s.Cursor
	var server Server
	if err := loadDocument(ctx, k.From, serverName, &server); err != nil && !isNotExist(err) {
		k.damaged(&Damage{Name: serverName, Err: err})
	}
	for name, err := range k.From.List(ctx, accountsPrefix) {
		if err != nil {
			return err
		}
		if err := k.account(ctx, name); err != nil {
			return err
		}
		if k.Progress != nil {
			k.Progress(k.sum)
		}
	}
	k.complete(s)
	return nil
}

// complete looks, when all accounts have been read, whether some are missing.
func (k *checker) complete(s state) {
	if s.Listing {
		k.damaged(&Damage{Name: stateName, Err: errors.New("the last run ended before it had seen all accounts")})
	}
	if n := k.sum.Accounts + k.sum.Deleted; n < s.Accounts {
		k.damaged(&Damage{Name: accountsPrefix, Err: fmt.Errorf("%d accounts are missing", s.Accounts-n)})
	}
}

func (k *checker) damaged(d *Damage) {
	k.sum.Damages++
	if k.Damaged != nil {
		k.Damaged(d)
	}
}

// account checks all objects of the account with a manifest.
func (k *checker) account(ctx context.Context, name string) error {
	man, err := loadManifestObject(ctx, k.From, name)
	if err != nil {
		k.sum.Accounts++ // it is there, if not in one piece
		k.damaged(&Damage{Name: name, Err: err})
		return ctx.Err()
	}
	if man.Status == StatusDeleted {
		k.sum.Deleted++
		return nil
	}
	k.sum.Accounts++
	if _, err := loadPrivate(ctx, k.From, man.DID); err != nil && !isNotExist(err) {
		k.damaged(&Damage{man.DID, privateObject(man.DID), err})
	}
	if err := k.blobs(ctx, man); err != nil {
		return err
	}
	if !k.segments(ctx, man) || len(man.Segments) == 0 {
		return ctx.Err()
	}
	if err := k.repo(ctx, man); err != nil {
		k.damaged(&Damage{DID: man.DID, Err: err})
	}
	return ctx.Err()
}

// blobs reads all blobs of an account.
func (k *checker) blobs(ctx context.Context, man manifest) error {
	for name, err := range k.From.List(ctx, blobFolder(man.DID)) {
		if err != nil {
			return err
		}
		if err := checkBlob(ctx, k.From, name); err != nil {
			k.damaged(&Damage{man.DID, name, err})
		}
		k.sum.Blobs++
	}
	return ctx.Err()
}

func checkBlob(ctx context.Context, b Bucket, name string) error {
	c, err := cid.Decode(path.Base(name))
	if err != nil {
		return err
	}
	r, err := b.Open(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, newBlobReader(r, c))
	return err
}

// segments holds all segments of an account against their checksums, and says whether all are right.
func (k *checker) segments(ctx context.Context, man manifest) bool {
	right := true
	for _, s := range man.Segments {
		if err := checkSegment(ctx, k.From, s); err != nil {
			k.damaged(&Damage{man.DID, s.Name, err})
			right = false
		}
	}
	return right
}

func checkSegment(ctx context.Context, b Bucket, s segment) error {
	r, err := b.Open(ctx, s.Name)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, bufio.NewReaderSize(r, 256<<10)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != s.SHA256 {
		return fmt.Errorf("%w: wrong checksum", ErrDamaged)
	}
	return nil
}

// repo reads an account's repo in full, and looks whether the blobs that it refers to are there.
func (k *checker) repo(ctx context.Context, man manifest) error {
	r := openSegments(ctx, k.From, man.Segments)
	defer r.Close()
	c, err := pdsrepo.OpenCopy(ctx, man.DID, r, k.SpillDir)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := k.head(man, c.Head); err != nil {
		return err
	}
	var twins twins
	for row, err := range c.Rows() {
		if err != nil {
			return err
		}
		if row.Record == nil {
			continue
		}
		k.sum.Records++
		if err := twins.see(row); err != nil {
			return err
		}
		for _, b := range row.Record.Blobs {
			if err := k.reference(ctx, man, row.Record.Path, b); err != nil {
				return err
			}
		}
	}
	if twins.any() {
		return twins.find(ctx, k.From, man.DID, man.Segments, k.SpillDir)
	}
	return nil
}

// head holds the commit that was found against the manifest, and verifies its signature.
func (k *checker) head(man manifest, found storage.Head) error {
	want, err := man.head()
	switch {
	case err != nil:
		return err
	case found.Commit != want.Commit || found.Rev != want.Rev || found.Data != want.Data:
		return fmt.Errorf("%w: the segments end with commit %s, not %s", ErrDamaged, found.Commit, want.Commit)
	}
	key, err := man.key()
	if err != nil {
		return err
	}
	if key == nil {
		k.sum.Unsigned++
		return nil
	}
	var commit repo.Commit
	if err := data.Unmarshal(found.Block, &commit); err != nil {
		return err
	}
	if !signedBy(&commit, key) {
		return errSignature
	}
	return nil
}

// reference looks whether a blob is there that a record refers to.
func (k *checker) reference(ctx context.Context, man manifest, record string, c cid.Cid) error {
	there, err := exists(ctx, k.From, blobObject(man.DID, c))
	if err != nil || there {
		return err
	}
	absent, err := exists(ctx, k.From, absentObject(man.DID, c))
	if err != nil {
		return err
	}
	if absent {
		k.sum.Absent++
		return nil
	}
	k.damaged(&Damage{man.DID, blobObject(man.DID, c), fmt.Errorf("missing, and record %s refers to it", record)})
	return nil
}
