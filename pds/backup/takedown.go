package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// takedowns notes which of an account's records and blobs are taken down.
func (l *Local) takedowns(ctx context.Context, p *Private) error {
	for t, err := range l.Store.ListTakedowns(ctx, p.DID) {
		if err != nil {
			return err
		}
		if t.Path != "" {
			if p.RecordTakedowns == nil {
				p.RecordTakedowns = make(map[string]string)
			}
			p.RecordTakedowns[t.Path] = t.Ref
			continue
		}
		b, err := l.Store.Blob(ctx, p.DID, t.Blob)
		if errors.Is(err, storage.ErrNotFound) { // by now
			continue
		}
		if err != nil {
			return err
		}
		p.BlobTakedowns = append(p.BlobTakedowns, BlobTakedown{b.CID.String(), t.Ref, b.Size, b.MIMEType})
	}
	return nil
}

// check says whether a private part is that of an account, and can be worked with.
func (p *Private) check(did syntax.DID) error {
	if p.DID != did {
		return fmt.Errorf("%w: it is that of %s", ErrDamaged, p.DID)
	}
	for _, b := range p.BlobTakedowns {
		if _, err := cid.Decode(b.CID); err != nil {
			return fmt.Errorf("%w: blob %q: %w", ErrDamaged, b.CID, err)
		}
	}
	return nil
}

// takedowns makes the takedowns of an account's records and blobs again. A record that was deleted since the private part
// was read has none any more. A blob that no record refers to comes back without its bytes, so that it can't be uploaded
// anew.
func (r *restorer) takedowns(ctx context.Context, p *Private) error {
	for path, ref := range p.RecordTakedowns {
		err := r.Store.SetTakedown(ctx, storage.Takedown{DID: p.DID, Path: path, Ref: ref})
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	for _, b := range p.BlobTakedowns {
		c, err := cid.Decode(b.CID)
		if err != nil {
			return err
		}
		err = r.Store.SetTakedown(ctx, storage.Takedown{DID: p.DID, Blob: c, Ref: b.Ref})
		if errors.Is(err, storage.ErrNotFound) {
			err = r.register(ctx, storage.Blob{
				DID: p.DID, CID: c, Size: b.Size, MIMEType: b.MIMEType, CreatedAt: r.Now(), TakedownRef: b.Ref,
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
