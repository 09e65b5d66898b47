package blob

import (
	"context"
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/storage"
)

const (
	sweepBatch = 100
	maxStuck   = 1000 // blobs that can't be removed, after which there is something else wrong
)

// Sweep removes the blobs that have stayed temporary for too long, and those that no record refers to any more. It may
// be interrupted at any point, and takes up again what an interrupted one left. A blob that can't be removed doesn't keep
// the others, unless a thousand can't.
func (h *Handler) Sweep(ctx context.Context) error {
	stuck := map[storage.BlobID]bool{} // claimed again each time, before others
	var errs []error
	for {
		limit := sweepBatch + len(stuck)
		claimed, err := h.Index.ClaimBlobs(ctx, h.Now().Add(-h.TemporaryFor), limit)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, id := range claimed {
			if stuck[id] {
				continue
			}
			if err := h.remove(ctx, id); err != nil {
				stuck[id] = true
				if len(errs) < sweepBatch {
					errs = append(errs, fmt.Errorf("blob: removing %s of %s: %w", id.CID, id.DID, err))
				}
			}
		}
		if len(claimed) < limit || len(stuck) >= maxStuck || ctx.Err() != nil {
			return errors.Join(errs...)
		}
	}
}

// remove removes the bytes first: while the row is there, they're found again.
func (h *Handler) remove(ctx context.Context, id storage.BlobID) error {
	if err := h.Bytes.Delete(ctx, id); err != nil {
		return err
	}
	return h.Index.RemoveBlob(ctx, id)
}
