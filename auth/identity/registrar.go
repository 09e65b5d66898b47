package identity

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Genesis is what an account's DID begins with.
type Genesis struct {
	SigningKey string        // as did:key: what signs the repository
	Handle     syntax.Handle // in the service's domain
	PDS        string        // the server's URL, without final slash

	// RotationKeys, as did:key, have more authority than the registrar's own key, in descending
	// order: that of the user, then that by which the operator recovers from a disaster. A
	// registrar whose DIDs have no such keys ignores them.
	RotationKeys []string
}

// Change is what becomes of a DID's document. Zero fields leave it as it is.
type Change struct {
	Handle     syntax.Handle
	SigningKey string // as did:key
	PDS        string // the server's URL, without final slash

	// RotationKeys are all keys, as did:key, that may change the DID from then on, in descending
	// order of authority. The registrar's own is not added: without it, no later change by the
	// registrar is possible.
	RotationKeys []string
}

// Registrar creates and updates the DIDs of accounts, of whatever method.
//
// Creating takes two steps, so that a crash between them leaves nothing behind that can't be finished. NewGenesis tells
// nobody; the caller stores what it returns, and then submits it, as often as it takes.
type Registrar interface {
	// NewGenesis makes a DID. op is what has to be submitted to register it: a JSON value that only
	// the registrar understands, and null if there is nothing to say.
	NewGenesis(ctx context.Context, g Genesis) (did syntax.DID, op json.RawMessage, err error)

	// Submit registers a DID. It is idempotent as long as the DID hasn't been changed since.
	// Errors: [ErrUnavailable], [ErrRefused].
	Submit(ctx context.Context, did syntax.DID, op json.RawMessage) error

	// Update changes a DID, unless it is so already. It may be called again after an error. Errors:
	// [ErrUnavailable], [ErrRefused], [ErrNoAuthority], [ErrUnsupported].
	Update(ctx context.Context, did syntax.DID, c Change) error
}

// The errors of a [Registrar].
var (
	// ErrUnavailable: the registry can't be reached, or is in trouble. The same call may succeed
	// later.
	ErrUnavailable = errors.New("identity: registry unavailable")

	// ErrRefused: the registry doesn't know the DID, or doesn't take the change, now or ever.
	ErrRefused = errors.New("identity: refused by the registry")

	// ErrNoAuthority: the registrar has no key that may change the DID.
	ErrNoAuthority = errors.New("identity: no key that may change the identity")

	// ErrUnsupported: the DID is of a method that the registrar doesn't know. Nobody was asked.
	ErrUnsupported = errors.New("identity: DID of another method")
)
