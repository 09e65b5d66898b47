package backup

import (
	"context"
	"errors"
	"path"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// list compares all accounts with the source's, and fetches what differs. What happens meanwhile, the events after the cursor
// tell, which was taken before. After a crash it is done again, and finds what it has got as far as.
func (m *Mirror) list(ctx context.Context) error {
	if err := m.saveServer(ctx); err != nil {
		return err
	}
	listed := make(map[string]struct{}) // by the names in the bucket
	for l, err := range m.source.Accounts(ctx) {
		if err != nil {
			return err
		}
		if _, err := syntax.ParseDID(string(l.DID)); err != nil {
			m.logger.WarnContext(ctx, "backup: the source lists what is no DID", "did", l.DID)
			continue
		}
		listed[nameOf(l.DID)] = struct{}{}
		if err := m.compare(ctx, l); err != nil {
			return err
		}
		if len(m.accounts) > maxAccounts || len(listed)%100 == 0 {
			if err := m.flush(ctx, m.state.Cursor); err != nil {
				return err
			}
		}
	}
	if err := m.removeUnlisted(ctx, listed); err != nil {
		return err
	}
	if err := m.flush(ctx, m.state.Cursor); err != nil {
		return err
	}
	if err := m.retryAll(ctx); err != nil {
		return err
	}
	m.state.Listing = false
	return m.saveState(ctx)
}

func (m *Mirror) compare(ctx context.Context, l Listed) error {
	a, err := m.account(ctx, l.DID)
	if err != nil {
		return err
	}
	if l.Status == StatusDeleted {
		return m.remove(ctx, a)
	}
	if !a.stored || a.Status != l.Status {
		a.Status, a.dirty = l.Status, true
	}
	a.private = true
	if a.Commit != "" && a.Rev == l.Rev {
		return m.askHandle(ctx, a)
	}
	return m.fetch(ctx, a)
}

// removeUnlisted removes the accounts that the source no longer has. It asks before it does.
func (m *Mirror) removeUnlisted(ctx context.Context, listed map[string]struct{}) error {
	for name, err := range m.to.List(ctx, accountsPrefix) {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if _, ok := listed[base[:len(base)-len(path.Ext(base))]]; ok {
			continue
		}
		man, err := loadManifestObject(ctx, m.to, name)
		if errors.Is(err, ErrDamaged) { // the source hasn't got the account either: nothing can be done for it
			m.logger.ErrorContext(ctx, "backup: an account that the source no longer lists is damaged", "err", err)
			continue
		}
		if err != nil {
			return err
		}
		if man.Status == StatusDeleted {
			if err := m.purge(ctx, man.DID); err != nil { // a crash may have kept a run from it
				return err
			}
			continue
		}
		a, err := m.account(ctx, man.DID)
		if err != nil {
			return err
		}
		if err := m.fetch(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// sweep looks for what no event tells: private parts that have changed, and what couldn't be had before.
func (m *Mirror) sweep(ctx context.Context) error {
	if _, ok := m.source.(PrivateSource); ok {
		if err := m.saveServer(ctx); err != nil {
			return err
		}
		for l, err := range m.source.Accounts(ctx) {
			if err != nil {
				return err
			}
			if err := m.savePrivate(ctx, l.DID); err != nil {
				return err
			}
		}
	}
	for name, err := range m.to.List(ctx, stalePrefix) {
		if err != nil {
			return err
		}
		if err := m.retryStale(ctx, name); err != nil {
			return err
		}
	}
	return m.retryAll(ctx)
}

// retryStale fetches what couldn't be had. If the note of it is damaged, the account's document says whose it is; without
// that, the account is fetched with its next event anyway.
func (m *Mirror) retryStale(ctx context.Context, name string) error {
	var s stale
	err := loadDocument(ctx, m.to, name, &s)
	if errors.Is(err, ErrDamaged) {
		m.logger.ErrorContext(ctx, "backup: a stale account is fetched again", "err", err)
		var man manifest
		man, err = loadManifestObject(ctx, m.to, accountsPrefix+path.Base(name))
		if isNotExist(err) || errors.Is(err, ErrDamaged) {
			return m.to.Delete(ctx, name)
		}
		s.DID = man.DID
	}
	if err != nil {
		return err
	}
	a, err := m.account(ctx, s.DID)
	if err != nil {
		return err
	}
	return m.fetch(ctx, a)
}

// retryAll tries again to get the blobs that the source hadn't got.
func (m *Mirror) retryAll(ctx context.Context) error {
	var did syntax.DID
	for name, err := range m.to.List(ctx, absentPrefix) {
		if err != nil {
			return err
		}
		if account := path.Base(path.Dir(name)); account != nameOf(did) {
			man, err := loadManifestObject(ctx, m.to, accountsPrefix+account+".json")
			if isNotExist(err) || errors.Is(err, ErrDamaged) {
				continue
			}
			if err != nil {
				return err
			}
			did = man.DID
		}
		c, err := cidIn(name)
		if err != nil {
			continue
		}
		if err := m.fetchBlob(ctx, did, c); err != nil {
			return err
		}
	}
	return nil
}
