package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bluesky-social/indigo/atproto/repo"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

// maxFailures is how many repos in a row may fail before the source is taken to be at fault rather than the repos. Those
// whose signature is wrong, and those that were known to fail, don't count: however many there are, they don't keep the
// mirror from the rest.
const maxFailures = 20

// fetch takes a whole repo from the source, in place of what is there, and stores it at once. If it can't be had, or isn't
// right, what is there stays, and the account is marked as stale.
func (m *Mirror) fetch(ctx context.Context, a *account) error {
	if a.Status == StatusDeleted {
		a.Status = storage.StatusActive // it has come back, or an event of its account will tell that it hasn't
	}
	s, head, key, err := m.fetchSegment(ctx, a)
	var input *inputError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &input):
		return err
	default:
		return m.markStale(ctx, a, input.error)
	}
	m.failures = 0
	m.progress.Repos++
	for _, c := range a.commits {
		m.pending -= len(c)
	}
	a.commits, a.blobs = nil, nil
	a.Segments, a.Key = []segment{s}, key
	a.setHead(head)
	if err := m.collect(ctx, a, repoFolder(a.DID), func(name string) bool { return name == s.Name }); err != nil {
		return err
	}
	if err := m.askHandle(ctx, a); err != nil {
		return err
	}
	if err := m.fetchBlobs(ctx, a); err != nil {
		return err
	}
	if err := m.savePrivate(ctx, a.DID); err != nil {
		return err
	}
	if err := m.save(ctx, a); err != nil {
		return err
	}
	return m.to.Delete(ctx, staleObject(a.DID))
}

// fetchSegment stores a whole repo as a segment. Error: an *inputError, if the source is to blame; the bucket's.
func (m *Mirror) fetchSegment(ctx context.Context, a *account) (s segment, head storage.Head, key string, err error) {
	body, err := m.source.Repo(ctx, a.DID)
	if err != nil {
		return s, head, "", &inputError{err}
	}
	defer body.Close()
	whole, err := pdsrepo.OpenCopy(ctx, a.DID, body, m.config.SpillDir)
	if err != nil {
		return s, head, "", &inputError{err}
	}
	defer whole.Close()
	var commit repo.Commit
	if err := data.Unmarshal(whole.Head.Block, &commit); err != nil {
		return s, head, "", &inputError{err}
	}
	if key, err = m.verifySignature(ctx, a.DID, &commit); err != nil {
		return s, head, "", &inputError{err}
	}
	var twins twins
	s, err = putSegment(ctx, m.to, a.DID, whole.Head.Rev, func(w io.Writer) error { return whole.WriteTo(w, twins.see) })
	if err == nil && twins.any() {
		if err = twins.find(ctx, m.to, a.DID, []segment{s}, m.config.SpillDir); err != nil {
			err = errors.Join(&inputError{err}, m.to.Delete(ctx, s.Name))
		}
	}
	return s, whole.Head, key, err
}

// markStale notes that an account isn't as the source has it. An account that the source no longer has is deleted, and one
// that it keeps to itself for now stays as it is.
func (m *Mirror) markStale(ctx context.Context, a *account, reason error) error {
	switch {
	case errors.Is(reason, ErrNoRepo):
		return m.remove(ctx, a)
	case errors.Is(reason, ErrInactive):
		a.dirty = true
		return nil
	}
	m.logger.ErrorContext(ctx, "backup: a repo couldn't be had", "did", a.DID, "err", reason)
	m.progress.Stale++
	a.dirty = true
	known, err := exists(ctx, m.to, staleObject(a.DID))
	if err != nil {
		return err
	}
	if err := putDocument(ctx, m.to, staleObject(a.DID), stale{a.DID, reason.Error()}); err != nil {
		return err
	}
	if known || errors.Is(reason, errSignature) {
		return nil
	}
	if m.failures++; m.failures > maxFailures {
		return fmt.Errorf("backup: %d repos in a row couldn't be had, the last of them %s: %w", m.failures, a.DID, reason)
	}
	return nil
}

// stale returns a [Damage] for each account that isn't as the source has it, joined.
func (m *Mirror) stale(ctx context.Context) error {
	var errs []error
	for name, err := range m.to.List(ctx, stalePrefix) {
		if err != nil {
			return err
		}
		var s stale
		if err := loadDocument(ctx, m.to, name, &s); err != nil && !isNotExist(err) {
			return err
		}
		errs = append(errs, &Damage{DID: s.DID, Err: errors.New(s.Reason)})
	}
	return errors.Join(errs...)
}
