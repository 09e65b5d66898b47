package blob

import (
	"context"
	"fmt"
)

const sweepBatch = 100

// Sweep removes the blobs that have stayed temporary for too long, and those that no record refers to any more. It may
// be interrupted at any point, and takes up again what an interrupted one left.
func (s *Server) Sweep(ctx context.Context) error {
	for {
		claimed, err := s.Index.ClaimBlobs(ctx, s.Now().Add(-s.TemporaryFor), sweepBatch)
		if err != nil {
			return err
		}
		for _, id := range claimed {
			if err := s.Bytes.DeleteBlob(ctx, id); err != nil {
				return fmt.Errorf("blob: removing %s of %s: %w", id.CID, id.DID, err)
			}
			if err := s.Index.RemoveBlob(ctx, id); err != nil {
				return err
			}
		}
		if len(claimed) < sweepBatch {
			return nil
		}
	}
}
