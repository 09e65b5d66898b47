package storage

import "context"

// Keys keeps secret keys, sealed: a backend never sees one in the clear. The name of an account's signing key is the
// account's DID.
type Keys interface {
	// PutKey stores a sealed key under a name. To store the same bytes again is no error. Error: [ErrExists] if the name
	// has other bytes.
	PutKey(ctx context.Context, name string, sealed []byte) error

	// Key returns the sealed key of a name. Error: [ErrNotFound].
	Key(ctx context.Context, name string) ([]byte, error)

	// DeleteKey removes the key of a name.
	DeleteKey(ctx context.Context, name string) error
}
