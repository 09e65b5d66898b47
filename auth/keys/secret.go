package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/storage"
)

// The lengths that a secret of [Keyring.Secret] may have, in bytes.
const (
	minRandom = 16
	maxRandom = 4096
)

// Secret returns a secret of the server, n random bytes that are made when it is asked for first and stay the same:
// what signs session tokens, for instance. All who ask at the same moment get the same bytes. n is from 16 to 4096. Errors:
// [ErrKind] if the name has a signing key, or a secret of another length.
func (k *Keyring) Secret(ctx context.Context, name string, n int) ([]byte, error) {
	if n < minRandom || n > maxRandom {
		return nil, fmt.Errorf("keys: a secret can't have %d bytes", n)
	}
	plain, err := k.load(ctx, name)
	if errors.Is(err, storage.ErrNotFound) {
		plain, err = k.newSecret(ctx, name, n)
	}
	if err != nil {
		return nil, err
	}
	if len(plain) != 1+n || Kind(plain[0]) != random {
		return nil, fmt.Errorf("%w (%q)", ErrKind, name)
	}
	return plain[1:], nil
}

// newSecret makes and stores a secret, or returns the one that somebody else has stored meanwhile.
func (k *Keyring) newSecret(ctx context.Context, name string, n int) ([]byte, error) {
	plain := make([]byte, 1+n)
	plain[0] = byte(random)
	rand.Read(plain[1:])
	err := k.save(ctx, name, plain)
	if errors.Is(err, storage.ErrExists) {
		return k.load(ctx, name)
	}
	return plain, err
}
