package session

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// AppPasswordKind is the kind of the documents that [AppPasswords] keeps. They live as long as
// their accounts, and a backup has to include them.
const AppPasswordKind = "app-password"

// MaxAppPasswords is how many app passwords an account may have: a login looks through all of them.
const MaxAppPasswords = 100

// AppPassword is a password by which an app acts for an account, without the account's own. It manages no account, and
// reads no private messages unless it is privileged.
type AppPassword struct {
	Name       string // which its owner has given it; an account has no two of one name
	Privileged bool
	CreatedAt  time.Time
}

// Scope is that of the sessions that begin with it.
func (p AppPassword) Scope() string {
	if p.Privileged {
		return ScopeAppPassPrivileged
	}
	return ScopeAppPass
}

// AppPasswords are those of accounts. They are stored as hashes.
type AppPasswords struct {
	Store storage.Documents
	Now   func() time.Time
}

// Create makes an app password of an account, and returns it: afterwards nobody can. Errors:
// storage.ErrExists if there is one of that name; storage.ErrLimit if the account has
// [MaxAppPasswords].
func (a AppPasswords) Create(ctx context.Context, did syntax.DID, name string, privileged bool) (
	password string, p AppPassword, err error,
) {
	password = newAppPassword()
	hash, err := hashAppPassword(ctx, did, password)
	if err != nil {
		return "", AppPassword{}, err
	}
	p = AppPassword{Name: name, Privileged: privileged, CreatedAt: a.Now()}
	return password, p, a.put(ctx, did, p, hash, MaxAppPasswords)
}

// Import stores an app password by its hash, which another pdskit server or the reference server
// made for the same DID. [MaxAppPasswords] doesn't count here. Error: storage.ErrExists if there is
// one of that name.
func (a AppPasswords) Import(ctx context.Context, did syntax.DID, p AppPassword, hash string) error {
	return a.put(ctx, did, p, hash, 0)
}

func (a AppPasswords) put(ctx context.Context, did syntax.DID, p AppPassword, hash string, limit int) error {
	value, err := json.Marshal(appPasswordValue{hash, p.Privileged})
	if err != nil {
		return err
	}
	d := storage.Document{
		Kind: AppPasswordKind, ID: appPasswordID(did, p.Name), Owner: did, Value: value, IssuedAt: p.CreatedAt,
	}
	err = a.Store.PutDocument(ctx, storage.NewDocument{Document: d, Limit: limit})
	if err != nil {
		return fmt.Errorf("session: store app password: %w", err)
	}
	return nil
}

// List yields the app passwords of an account in the order of their names.
func (a AppPasswords) List(ctx context.Context, did syntax.DID) iter.Seq2[AppPassword, error] {
	return func(yield func(AppPassword, error) bool) {
		for p, err := range a.all(ctx, did) {
			if !yield(p.AppPassword, err) || err != nil {
				return
			}
		}
	}
}

// Find returns the one that a password is. It takes as long for an account that doesn't exist. Errors: [ErrInvalidLogin];
// that of ctx, if it ends while the call waits for its turn.
func (a AppPasswords) Find(ctx context.Context, did syntax.DID, password string) (AppPassword, error) {
	hash, err := hashAppPassword(ctx, did, password)
	if err != nil {
		return AppPassword{}, err
	}
	found, err := AppPassword{}, error(ErrInvalidLogin)
	for p, errList := range a.all(ctx, did) {
		if errList != nil {
			return AppPassword{}, errList
		}
		if subtle.ConstantTimeCompare([]byte(p.hash), []byte(hash)) == 1 {
			found, err = p.AppPassword, nil
		}
	}
	return found, err
}

// Has reports whether an account still has an app password that [AppPasswords.Find] has returned, and not another of the
// same name.
func (a AppPasswords) Has(ctx context.Context, did syntax.DID, p AppPassword) (bool, error) {
	d, err := a.Store.Document(ctx, AppPasswordKind, appPasswordID(did, p.Name))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && d.IssuedAt.Equal(p.CreatedAt), err
}

// Delete removes an app password. It is idempotent. The sessions that were begun with it go on: see
// [Issuer.RevokeAppPassword].
func (a AppPasswords) Delete(ctx context.Context, did syntax.DID, name string) error {
	_, err := a.Store.TakeDocument(ctx, AppPasswordKind, appPasswordID(did, name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// IsAppPassword reports whether a password has the form xxxx-xxxx-xxxx-xxxx, which app passwords of
// this library and of the reference server have.
func IsAppPassword(password string) bool {
	parts := strings.Split(password, "-")
	for _, part := range parts {
		if len(part) != 4 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			return false
		}
	}
	return len(parts) == 4
}

// appPasswordValue is the value of a document.
type appPasswordValue struct {
	Hash       string `json:"hash"`
	Privileged bool   `json:"privileged,omitempty"`
}

type storedAppPassword struct {
	AppPassword
	hash string
}

func (a AppPasswords) all(ctx context.Context, did syntax.DID) iter.Seq2[storedAppPassword, error] {
	return func(yield func(storedAppPassword, error) bool) {
		if did == "" { // nobody, who would be everybody to a range
			return
		}
		for d, err := range a.Store.ListDocuments(ctx, storage.DocumentRange{Kind: AppPasswordKind, Owner: did}) {
			var v appPasswordValue
			if err == nil {
				err = json.Unmarshal(d.Value, &v)
			}
			if err != nil {
				yield(storedAppPassword{}, fmt.Errorf("session: list app passwords: %w", err))
				return
			}
			p := AppPassword{strings.TrimPrefix(d.ID, appPasswordID(did, "")), v.Privileged, d.IssuedAt}
			if !yield(storedAppPassword{p, v.Hash}, nil) {
				return
			}
		}
	}
}

func appPasswordID(did syntax.DID, name string) string { return did.String() + "/" + name }
