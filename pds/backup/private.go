package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// PrivateSource is a [Source] that also gives what no stranger may see and what a restored server needs. All of it is as it is
// at rest: passwords are hashed, and keys are sealed.
type PrivateSource interface {
	// Private returns the private part of an account. Error: [ErrNoRepo].
	Private(ctx context.Context, did syntax.DID) (Private, error)

	// Server returns the private part of the server.
	Server(ctx context.Context) (Server, error)
}

// Private is the private part of an account.
type Private struct {
	DID              syntax.DID    `json:"did"`
	Handle           syntax.Handle `json:"handle,omitempty"`
	Email            string        `json:"email"`
	EmailConfirmedAt time.Time     `json:"emailConfirmedAt,omitzero"`
	PasswordHash     string        `json:"passwordHash"`
	CreatedAt        time.Time     `json:"createdAt,omitzero"`
	DeactivatedAt    time.Time     `json:"deactivatedAt,omitzero"`
	DeleteAfter      time.Time     `json:"deleteAfter,omitzero"`
	TakedownRef      string        `json:"takedownRef,omitempty"`
	Suspended        bool          `json:"suspended,omitempty"`
	Epoch            int64         `json:"epoch,omitempty"`
	SessionEpoch     int64         `json:"sessionEpoch,omitempty"`

	SealedKey []byte `json:"sealedKey,omitempty"` // the signing key

	Preferences []byte `json:"preferences,omitempty"`

	// RecordTakedowns are the moderators' references of records that are taken down, by the records' paths.
	RecordTakedowns map[string]string `json:"recordTakedowns,omitempty"`

	BlobTakedowns []BlobTakedown `json:"blobTakedowns,omitempty"`

	Tokens []Token `json:"tokens,omitempty"`
}

// BlobTakedown is the takedown of a blob, which a record may refer to or not.
type BlobTakedown struct {
	CID      string `json:"cid"`
	Ref      string `json:"ref"`  // the moderator's reference
	Size     int64  `json:"size"` // in bytes
	MIMEType string `json:"mimeType"`
}

// Token is a token of an account that lives long, such as an app password.
type Token struct {
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	Value    []byte    `json:"value"`
	IssuedAt time.Time `json:"issuedAt"`

	// ExpiresAt is zero if it never expires, or in the year 9999 in backups of earlier versions.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// Server is the private part of a server.
type Server struct {
	// Keys are the server's own keys by their names, sealed.
	Keys map[string][]byte `json:"keys"`
}

// Private implements [PrivateSource].
func (l *Local) Private(ctx context.Context, did syntax.DID) (Private, error) {
	a, err := l.Store.Account(ctx, did)
	if err != nil {
		return Private{}, notFound(err, ErrNoRepo)
	}
	key, err := l.document(ctx, storage.KindKey, string(did))
	if err != nil {
		return Private{}, err
	}
	preferences, err := l.document(ctx, storage.KindPreferences, string(did))
	if err != nil {
		return Private{}, err
	}
	p := Private{
		DID: did, Handle: a.Handle, Email: a.Email, EmailConfirmedAt: a.EmailConfirmedAt, PasswordHash: a.PasswordHash,
		CreatedAt: a.CreatedAt, DeactivatedAt: a.DeactivatedAt, DeleteAfter: a.DeleteAfter,
		TakedownRef: a.TakedownRef, Suspended: a.Suspended, Epoch: a.Epoch, SessionEpoch: a.SessionEpoch,
		SealedKey: key, Preferences: preferences,
	}
	if err := l.takedowns(ctx, &p); err != nil {
		return Private{}, err
	}
	for _, kind := range l.DocumentKinds {
		for d, err := range l.Store.ListDocuments(ctx, storage.DocumentRange{Kind: kind, Owner: did}) {
			if err != nil {
				return Private{}, err
			}
			p.Tokens = append(p.Tokens, Token{d.Kind, d.ID, d.Value, d.IssuedAt, d.ExpiresAt})
		}
	}
	return p, nil
}

// document returns what a document says, nil if there is none.
func (l *Local) document(ctx context.Context, kind, id string) ([]byte, error) {
	d, err := l.Store.Document(ctx, kind, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return d.Value, err
}

// Server implements [PrivateSource].
func (l *Local) Server(ctx context.Context) (Server, error) {
	s := Server{Keys: make(map[string][]byte)}
	for _, name := range l.ServerKeys {
		key, err := l.document(ctx, storage.KindKey, name)
		if err != nil {
			return s, err
		}
		if key == nil {
			continue
		}
		s.Keys[name] = key
	}
	return s, nil
}

// loadPrivate reads the private part of an account. Errors: [io/fs.ErrNotExist]; [ErrDamaged].
func loadPrivate(ctx context.Context, b Bucket, did syntax.DID) (p Private, err error) {
	name := privateObject(did)
	if err := loadDocument(ctx, b, name, &p); err != nil {
		return p, err
	}
	if err := p.check(did); err != nil {
		return p, fmt.Errorf("backup: %s: %w", name, err)
	}
	return p, nil
}

// account is the row that a private part was made of.
func (p *Private) account() storage.Account {
	return storage.Account{
		DID: p.DID, Handle: p.Handle, Email: p.Email, EmailConfirmedAt: p.EmailConfirmedAt, PasswordHash: p.PasswordHash,
		CreatedAt: p.CreatedAt, DeactivatedAt: p.DeactivatedAt, DeleteAfter: p.DeleteAfter,
		TakedownRef: p.TakedownRef, Suspended: p.Suspended, Epoch: p.Epoch, SessionEpoch: p.SessionEpoch,
	}
}

// savePrivate brings the private part of an account up to date, if the source has one.
func (m *Mirror) savePrivate(ctx context.Context, did syntax.DID) error {
	source, ok := m.source.(PrivateSource)
	if !ok {
		return nil
	}
	p, err := source.Private(ctx, did)
	if errors.Is(err, ErrNoRepo) {
		return nil // it has just been deleted, as an event will tell
	}
	if err != nil {
		return err
	}
	return m.putIfNew(ctx, privateObject(did), p)
}

// saveServer brings the private part of the server up to date.
func (m *Mirror) saveServer(ctx context.Context) error {
	source, ok := m.source.(PrivateSource)
	if !ok {
		return nil
	}
	s, err := source.Server(ctx)
	if err != nil {
		return err
	}
	return m.putIfNew(ctx, serverName, s)
}

// putIfNew stores a document unless it is there already.
func (m *Mirror) putIfNew(ctx context.Context, name string, v any) error {
	data, err := encodeDocument(v)
	if err != nil {
		return fmt.Errorf("backup: %s: %w", name, err)
	}
	old, err := load(ctx, m.to, name)
	if err != nil && !isNotExist(err) {
		return err
	}
	if err == nil && bytes.Equal(old, data) {
		return nil
	}
	return m.to.Put(ctx, name, bytes.NewReader(data))
}
