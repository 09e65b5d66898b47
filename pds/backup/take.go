package backup

import (
	"context"
	"errors"
	"fmt"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// account is an account in memory: as it is stored, or as it will be with the next flush.
type account struct {
	manifest
	stored  bool // there is a manifest
	dirty   bool // what is stored is older
	private bool // the private part may have changed

	commits [][]byte  // CAR files, the oldest first, that aren't in a segment yet
	blobs   []cid.Cid // that their records refer to
	garbage []string  // objects that are no longer needed once the manifest is stored
}

// account returns an account, from memory or from the bucket. A new one is counted when it's stored.
func (m *Mirror) account(ctx context.Context, did syntax.DID) (*account, error) {
	if a := m.accounts[did]; a != nil {
		return a, nil
	}
	a := &account{manifest: manifest{DID: did}}
	stored, err := loadManifest(ctx, m.to, did)
	switch {
	case err == nil:
		a.manifest, a.stored = stored, true
	case errors.Is(err, ErrDamaged):
		m.logger.ErrorContext(ctx, "backup: an account is fetched again", "err", err)
		a.stored = true
	case !isNotExist(err):
		return nil, err
	}
	m.accounts[did] = a
	return a, nil
}

// take takes over an event. What it makes of it is stored by the next flush, except for whole repos, which are stored at
// once.
func (m *Mirror) take(ctx context.Context, e storage.Event) error {
	m.progress.Events++
	did, err := syntax.ParseDID(string(e.DID))
	if err != nil {
		return m.ignore(ctx, e, err)
	}
	switch e.Kind {
	case storage.EventCommit:
		var msg comatproto.SyncSubscribeRepos_Commit
		if err := data.Unmarshal(e.Body, &msg); err != nil || msg.Repo != string(did) {
			return m.ignore(ctx, e, err)
		}
		return m.takeCommit(ctx, did, &msg)
	case storage.EventSync:
		var msg comatproto.SyncSubscribeRepos_Sync
		if err := data.Unmarshal(e.Body, &msg); err != nil || msg.Did != string(did) {
			return m.ignore(ctx, e, err)
		}
		return m.takeSync(ctx, did, &msg)
	case storage.EventIdentity:
		var msg comatproto.SyncSubscribeRepos_Identity
		if err := data.Unmarshal(e.Body, &msg); err != nil || msg.Did != string(did) {
			return m.ignore(ctx, e, err)
		}
		return m.takeIdentity(ctx, did)
	case storage.EventAccount:
		var msg comatproto.SyncSubscribeRepos_Account
		if err := data.Unmarshal(e.Body, &msg); err != nil || msg.Did != string(did) {
			return m.ignore(ctx, e, err)
		}
		return m.takeAccount(ctx, did, &msg)
	}
	return m.ignore(ctx, e, errors.New("unknown kind"))
}

// ignore passes over an event that makes no sense: what it meant to say, the next one of the account brings to light.
func (m *Mirror) ignore(ctx context.Context, e storage.Event, err error) error {
	m.logger.WarnContext(ctx, "backup: an event is ignored", "seq", e.Seq, "kind", e.Kind, "did", e.DID, "err", err)
	return nil
}

// takeCommit adds a commit to an account if it follows on what is there, and else fetches the repo.
func (m *Mirror) takeCommit(ctx context.Context, did syntax.DID, msg *comatproto.SyncSubscribeRepos_Commit) error {
	a, err := m.account(ctx, did)
	if err != nil {
		return err
	}
	if a.Commit != "" && msg.Rev <= string(a.Rev) {
		return nil // it is in a whole repo that was fetched after the commit
	}
	added, err := m.verifyCommit(ctx, a, msg)
	if err != nil {
		if a.Commit != "" {
			m.logger.InfoContext(ctx, "backup: a repo is fetched anew", "did", did, "rev", msg.Rev, "err", err)
		}
		return m.fetch(ctx, a)
	}
	a.setHead(added.head)
	a.Key, a.dirty = added.key, true
	a.commits = append(a.commits, msg.Blocks)
	a.blobs = append(a.blobs, added.blobs...)
	m.pending += len(msg.Blocks)
	return nil
}

// takeSync fetches a repo unless it is already the one that the event tells of.
func (m *Mirror) takeSync(ctx context.Context, did syntax.DID, msg *comatproto.SyncSubscribeRepos_Sync) error {
	a, err := m.account(ctx, did)
	if err != nil || a.Commit != "" && msg.Rev <= string(a.Rev) {
		return err
	}
	return m.fetch(ctx, a)
}

// takeIdentity asks for the handle, whatever the event says of it: by now it may be another.
func (m *Mirror) takeIdentity(ctx context.Context, did syntax.DID) error {
	a, err := m.account(ctx, did)
	if err != nil {
		return err
	}
	if m.keys != nil {
		if _, err := m.keys(ctx, did, true); err != nil {
			m.logger.DebugContext(ctx, "backup: an account's key isn't known", "did", did, "err", err)
		}
	}
	a.dirty, a.private = true, true
	return m.askHandle(ctx, a)
}

// askHandle keeps the handle that it knows if the source doesn't tell one.
func (m *Mirror) askHandle(ctx context.Context, a *account) error {
	handle, err := m.source.Handle(ctx, a.DID)
	switch {
	case err == nil:
		a.Handle = handle
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, ErrNoRepo) && !errors.Is(err, ErrInactive):
		m.logger.WarnContext(ctx, "backup: an account's handle isn't known", "did", a.DID, "err", err)
	}
	return nil
}

// takeAccount takes over an account's status. With one that becomes active comes what it didn't give out before.
func (m *Mirror) takeAccount(ctx context.Context, did syntax.DID, msg *comatproto.SyncSubscribeRepos_Account) error {
	status := storage.StatusActive
	if !msg.Active {
		status = storage.StatusDeactivated // the mildest, if it doesn't say which
		if msg.Status != nil {
			status = storage.AccountStatus(*msg.Status)
		}
	}
	return m.setStatus(ctx, did, status)
}

func (m *Mirror) setStatus(ctx context.Context, did syntax.DID, status storage.AccountStatus) error {
	a, err := m.account(ctx, did)
	if err != nil {
		return err
	}
	if status == StatusDeleted {
		return m.remove(ctx, a)
	}
	was := a.Status
	a.Status, a.dirty, a.private = status, true, true
	if status != storage.StatusActive || was == storage.StatusActive && a.Commit != "" {
		return nil
	}
	return m.fetch(ctx, a)
}

// remove forgets all of an account but that it was there.
func (m *Mirror) remove(ctx context.Context, a *account) error {
	a.manifest = manifest{DID: a.DID, Status: StatusDeleted}
	m.drop(a)
	if err := m.save(ctx, a); err != nil {
		return err
	}
	return m.purge(ctx, a.DID)
}

// purge deletes all objects of an account but its manifest.
func (m *Mirror) purge(ctx context.Context, did syntax.DID) error {
	for _, name := range []string{privateObject(did), staleObject(did)} {
		if err := m.to.Delete(ctx, name); err != nil {
			return err
		}
	}
	for _, folder := range []string{repoFolder(did), blobFolder(did), absentFolder(did)} {
		for name, err := range m.to.List(ctx, folder) {
			if err != nil {
				return err
			}
			if err := m.to.Delete(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop forgets what isn't stored yet.
func (m *Mirror) drop(a *account) {
	for _, c := range a.commits {
		m.pending -= len(c)
	}
	a.commits, a.blobs, a.garbage, a.private = nil, nil, nil, false
}

// save stores a manifest, and then deletes what is no longer needed.
func (m *Mirror) save(ctx context.Context, a *account) error {
	if err := putDocument(ctx, m.to, accountObject(a.DID), a.manifest); err != nil {
		return err
	}
	if !a.stored {
		a.stored = true
		m.state.Accounts++
	}
	a.dirty = false
	for _, name := range a.garbage {
		if err := m.to.Delete(ctx, name); err != nil {
			return fmt.Errorf("backup: delete %s: %w", name, err)
		}
	}
	a.garbage = nil
	return nil
}
