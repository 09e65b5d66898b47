package memory

import (
	"context"

	"github.com/pdskit/pdskit/storage"
)

var _ storage.Sizer = (*Store)(nil)

// rowSize is about what a row takes up beside its bytes.
const rowSize = 200

// Size implements [storage.Sizer]. Its cost grows with the content.
func (s *Store) Size(ctx context.Context) (int64, error) {
	now, n := s.now.Load(), 0
	add := func(data []byte) bool {
		n += rowSize + len(data)
		return ctx.Err() == nil
	}
	now.repos.Scan(func(r *repo) bool {
		r.nodes.Scan(func(b *storage.Block) bool { return add(b.Bytes) })
		r.records.Scan(func(rec *record) bool { return add(rec.Bytes) })
		return add(r.head.Block)
	})
	now.events.Scan(func(e *storage.Event) bool { return add(e.Body) })
	now.documents.Scan(func(d *storage.Document) bool { return add(d.Value) })
	n += rowSize * (now.accounts.Len() + now.blobs.Len())
	return int64(n), ctx.Err()
}
