package storage

import (
	"context"
	"iter"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Token is a short-lived thing of which the server keeps its side: a session, an invite code, a pending sign-up, a
// replay guard. It is found by its kind and ID.
//
// Where knowing the ID would be enough to use the token, ID is a hash of what the client holds.
type Token struct {
	Kind string
	ID   string
	DID  syntax.DID // the account that it belongs to, or ""

	Value []byte // the kind's own; opaque to the store

	IssuedAt  time.Time
	ExpiresAt time.Time // never zero
}

// Tokens keeps tokens. It knows nothing of what they mean, and returns expired ones too, which the caller tells by
// their ExpiresAt, until ExpireTokens has removed them.
type Tokens interface {
	// PutToken stores a new token. One of the same kind and ID that had expired when the new one was issued (its
	// ExpiresAt is not after the new one's IssuedAt) is replaced. Of two calls that race exactly one succeeds.
	// Error: [ErrExists].
	PutToken(ctx context.Context, t Token) error

	// Token returns a token. Error: [ErrNotFound].
	Token(ctx context.Context, kind, id string) (Token, error)

	// TakeToken removes a token and returns it. Of any number of calls exactly one gets it. Error: [ErrNotFound].
	TakeToken(ctx context.Context, kind, id string) (Token, error)

	// SwapToken replaces old by new if the stored token still has old's Value, byte by byte. Both have the same kind
	// and ID. Errors: [ErrNotFound]; [ErrConflict].
	SwapToken(ctx context.Context, old, new Token) error

	// ListTokens yields an account's tokens of a kind, ordered by their IDs.
	ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[Token, error]

	// DeleteTokens removes an account's tokens of the given kinds; of all kinds if none is given.
	DeleteTokens(ctx context.Context, did syntax.DID, kinds ...string) error

	// ExpireTokens removes up to limit tokens whose ExpiresAt is not after now, and returns how many it removed.
	ExpireTokens(ctx context.Context, now time.Time, limit int) (int, error)
}
