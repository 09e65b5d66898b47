package blob

import (
	"context"
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/storage"
)

const sweepBatch = 100

// Sweep removes the blobs that have stayed temporary for too long, and those that no record refers to any more. It may
// be interrupted at any point, and takes up again what an interrupted one left. A blob that can't be removed doesn't keep
// the others.
func (s *Server) Sweep(ctx context.Context) error {
	for {
		claimed, err := s.Index.ClaimBlobs(ctx, s.Now().Add(-s.TemporaryFor), sweepBatch)
		if err != nil {
			return err
		}
		var errs []error
		for _, id := range claimed {
			if err := s.remove(ctx, id); err != nil {
				errs = append(errs, fmt.Errorf("blob: removing %s of %s: %w", id.CID, id.DID, err))
			}
		}
		if len(errs) > 0 || len(claimed) < sweepBatch {
			return errors.Join(errs...)
		}
	}
}

// remove removes the bytes first: while the row is there, they're found again.
func (s *Server) remove(ctx context.Context, id storage.BlobID) error {
	if err := s.Bytes.DeleteBlob(ctx, id); err != nil {
		return err
	}
	return s.Index.RemoveBlob(ctx, id)
}
