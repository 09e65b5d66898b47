package backup

import (
	"context"
	"errors"
	"io"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// flush stores all that isn't stored yet, and then that the mirror has all events up to a cursor.
func (m *Mirror) flush(ctx context.Context, cursor int64) error {
	for _, a := range m.accounts {
		if err := m.flushAccount(ctx, a); err != nil {
			return err
		}
	}
	if len(m.accounts) > maxAccounts {
		m.accounts = make(map[syntax.DID]*account)
	}
	if cursor != m.state.Cursor {
		m.state.Cursor = cursor
		if err := m.saveState(ctx); err != nil {
			return err
		}
	}
	m.tell()
	return nil
}

func (m *Mirror) tell() {
	if m.config.Progress != nil {
		m.progress.Cursor = m.state.Cursor
		m.config.Progress(m.progress)
	}
}

// flushAccount stores what isn't stored yet of an account: the blobs before the records that refer to them, and the
// manifest last.
func (m *Mirror) flushAccount(ctx context.Context, a *account) error {
	if a.private {
		if err := m.savePrivate(ctx, a.DID); err != nil {
			return err
		}
		a.private = false
	}
	if len(a.commits) > 0 {
		if err := m.addSegment(ctx, a); err != nil {
			return err
		}
	}
	if !a.dirty {
		return nil
	}
	return m.save(ctx, a)
}

// addSegment makes a segment of an account's commits, and makes one of several where there are too many.
func (m *Mirror) addSegment(ctx context.Context, a *account) error {
	for _, c := range a.blobs {
		if err := m.fetchBlob(ctx, a.DID, c); err != nil {
			return err
		}
	}
	s, err := putSegment(ctx, m.to, a.DID, a.Rev, func(w io.Writer) error { return join(w, a.commits) })
	if err != nil {
		return err
	}
	for _, c := range a.commits {
		m.pending -= len(c)
	}
	a.commits, a.blobs = nil, nil
	a.Segments = append(a.Segments, s)
	if whole, rest := a.sizes(); rest > max(whole, minCompact) {
		return m.compact(ctx, a)
	}
	return m.merge(ctx, a)
}

// minCompact is how many bytes of increments there are at least before they're compacted: a repo that small is cheap to
// read with them.
const minCompact = 256 << 10

// sizes returns the bytes of the whole repo, and those of the increments after it.
func (a *account) sizes() (whole, rest int64) {
	for _, s := range a.Segments[1:] {
		rest += s.Bytes
	}
	return a.Segments[0].Bytes, rest
}

// merge joins the newest increments while the older of two isn't twice as large as the newer. So there are never more of
// them than the logarithm of their bytes, and each byte is copied that often at most.
func (m *Mirror) merge(ctx context.Context, a *account) error {
	n := len(a.Segments)
	from, size := n-1, a.Segments[n-1].Bytes
	for from > 1 && a.Segments[from-1].Bytes < 2*size {
		from--
		size += a.Segments[from].Bytes
	}
	if from == n-1 {
		return nil
	}
	return m.rewrite(ctx, a, from, func(r io.Reader, w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// compact makes one whole repo of all segments, verified again, and deletes the blobs that nothing refers to any more. Since
// it comes when the increments have outgrown the repo, each byte pays for it once.
func (m *Mirror) compact(ctx context.Context, a *account) error {
	var blobs map[string]struct{}
	err := m.rewrite(ctx, a, 0, func(r io.Reader, w io.Writer) error {
		blobs = make(map[string]struct{})
		c, err := pdsrepo.OpenCopy(ctx, a.DID, r, m.config.SpillDir)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.WriteTo(w, func(row storage.Row) error {
			if row.Record != nil {
				for _, b := range row.Record.Blobs {
					blobs[b.String()] = struct{}{}
				}
			}
			return nil
		})
	})
	if err != nil || blobs == nil || len(a.Segments) != 1 {
		return err
	}
	whole := a.Segments[0].Name
	if err := m.collect(ctx, a, repoFolder(a.DID), func(name string) bool { return name == whole }); err != nil {
		return err
	}
	return m.collectBlobs(ctx, a, blobs)
}

// rewrite makes one segment of those from an index on. If one of them is damaged, the repo is fetched anew.
func (m *Mirror) rewrite(ctx context.Context, a *account, from int, write func(io.Reader, io.Writer) error) error {
	s, err := putSegment(ctx, m.to, a.DID, a.Rev, func(w io.Writer) error {
		r := openSegments(ctx, m.to, a.Segments[from:])
		defer r.Close()
		return write(r, w)
	})
	var input *inputError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &input):
		m.logger.ErrorContext(ctx, "backup: a repo is fetched anew", "did", a.DID, "err", input.error)
		return m.fetch(ctx, a)
	default:
		return err
	}
	for _, old := range a.Segments[from:] {
		a.garbage = append(a.garbage, old.Name)
	}
	a.Segments = append(a.Segments[:from:from], s)
	return nil
}
