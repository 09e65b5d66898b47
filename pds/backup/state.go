package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// formatVersion is that of all objects together.
const formatVersion = 1

// state is the document mirror.json: how far the mirror has got.
type state struct {
	Version int    `json:"version"`
	Origin  string `json:"origin"`

	// Cursor is the sequence number up to which all events are in the mirror, once Listing is false.
	Cursor int64 `json:"cursor"`

	// Listing says that the accounts have to be listed, and their repos compared: the events alone don't tell all.
	Listing bool `json:"listing"`

	// Accounts is how many accounts there are at least, deleted ones included.
	Accounts int64 `json:"accounts"`

	// Run tells the run that wrote this from others, so that two at once notice each other.
	Run string `json:"run"`
}

// loadState returns the zero state if there is none.
func loadState(ctx context.Context, b Bucket) (state, error) {
	var s state
	err := loadDocument(ctx, b, stateName, &s)
	switch {
	case isNotExist(err):
		return state{}, nil
	case err != nil:
		return state{}, err
	case s.Version != formatVersion:
		return state{}, fmt.Errorf("backup: %s has version %d, and this program knows %d", stateName, s.Version, formatVersion)
	}
	return s, nil
}

// manifest is the document of an account: what of it is in the mirror.
type manifest struct {
	DID    syntax.DID            `json:"did"`
	Handle syntax.Handle         `json:"handle,omitempty"`
	Status storage.AccountStatus `json:"status"`

	// The newest commit; empty if the repo has never been had.
	Commit string     `json:"commit,omitempty"`
	Rev    syntax.TID `json:"rev,omitempty"`
	Data   string     `json:"data,omitempty"`

	// Key is the key, as did:key, by which the newest commit's signature was verified; empty if it couldn't be resolved.
	Key string `json:"key,omitempty"`

	// Segments are CAR files: a whole repo first, and then what later commits have added to it.
	Segments []segment `json:"segments,omitempty"`
}

// segment is a CAR file whose root is the newest commit in it.
type segment struct {
	Name   string     `json:"name"`
	Rev    syntax.TID `json:"rev"`
	Bytes  int64      `json:"bytes"`
	SHA256 string     `json:"sha256"`
}

// loadManifest reads the manifest of an account. Errors: [io/fs.ErrNotExist]; [ErrDamaged].
func loadManifest(ctx context.Context, b Bucket, did syntax.DID) (manifest, error) {
	m, err := loadManifestObject(ctx, b, accountObject(did))
	if err == nil && m.DID != did {
		err = fmt.Errorf("backup: %s: %w: it is that of %s", accountObject(did), ErrDamaged, m.DID)
	}
	return m, err
}

func loadManifestObject(ctx context.Context, b Bucket, name string) (m manifest, err error) {
	if err := loadDocument(ctx, b, name, &m); err != nil {
		return m, err
	}
	if err := m.check(name); err != nil {
		return m, fmt.Errorf("backup: %s: %w: %w", name, ErrDamaged, err)
	}
	return m, nil
}

// check says whether a manifest can be worked with.
func (m *manifest) check(name string) error {
	if _, err := syntax.ParseDID(string(m.DID)); err != nil {
		return err
	}
	if name != accountObject(m.DID) {
		return fmt.Errorf("it is that of %s", m.DID)
	}
	if len(m.Segments) == 0 {
		return nil
	}
	if _, err := m.head(); err != nil {
		return err
	}
	for _, s := range m.Segments {
		if !strings.HasPrefix(s.Name, repoFolder(m.DID)) {
			return fmt.Errorf("%s isn't a segment of its repo", s.Name)
		}
	}
	_, err := m.key()
	return err
}

// head returns what the newest commit is. Error: there is none, or it isn't well-formed.
func (m *manifest) head() (storage.Head, error) {
	commit, err := cid.Decode(m.Commit)
	if err != nil {
		return storage.Head{}, err
	}
	data, err := cid.Decode(m.Data)
	if err != nil {
		return storage.Head{}, err
	}
	rev, err := syntax.ParseTID(string(m.Rev))
	return storage.Head{DID: m.DID, Commit: commit, Rev: rev, Data: data}, err
}

func (m *manifest) setHead(h storage.Head) {
	m.Commit, m.Rev, m.Data = h.Commit.String(), h.Rev, h.Data.String()
}

// key returns the public key of the newest commit, or nil if it isn't known.
func (m *manifest) key() (atcrypto.PublicKey, error) {
	if m.Key == "" {
		return nil, nil
	}
	return atcrypto.ParsePublicDIDKey(m.Key)
}

// stale is the document that says why an account isn't as the source has it.
type stale struct {
	DID    syntax.DID `json:"did"`
	Reason string     `json:"reason"`
}

// ErrOrigin: a folder or bucket has the mirror of another server.
var ErrOrigin = errors.New("backup: kept of another server")

// ErrConflict: another mirror is being kept in the same place at the same time.
var ErrConflict = errors.New("backup: another one is writing to the same place")
