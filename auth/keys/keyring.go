package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// MinSecret is how many bytes a sealing secret has at least. They should be random: it isn't a password.
const MinSecret = 32

// Config says how to make a [Keyring].
type Config struct {
	// Required.

	Store  storage.Documents
	Secret []byte // seals the keys; at least [MinSecret] bytes

	// Optional.

	// Old secrets open what was sealed before Secret became the secret. A key stays sealed as it is for as long as it is
	// stored, so an old secret is needed for as long as there are keys from its time.
	Old [][]byte

	CacheSize     int              // how many keys are kept open in memory. If zero, 4096.
	CacheLifetime time.Duration    // for how long each is, before it is read again. If zero, a minute.
	Now           func() time.Time // If nil, time.Now.
}

// Keyring keeps keys, and signs with them. It is safe for concurrent use. Several processes may share a store; when one
// deletes a key, the others may go on using it for the lifetime of their caches.
//
// All methods that take a name return [storage.ErrNotFound] if it has no key, [ErrSealed] or [ErrCorrupt] if it can't be
// opened, and [ErrKind] if it isn't what the method is for, all of them possibly wrapped.
type Keyring struct {
	store   storage.Documents
	sealers sealers
	cache   *cache
	now     func() time.Time
}

// New returns a Keyring. It fails if something required is missing; it doesn't look at what is stored.
func New(c Config) (*Keyring, error) {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("keys: a keyring needs a store"))
	}
	if c.CacheSize < 0 || c.CacheLifetime < 0 {
		errs = append(errs, errors.New("keys: the cache's size or lifetime is negative"))
	}
	k := &Keyring{store: c.Store, now: c.Now}
	for i, secret := range append([][]byte{c.Secret}, c.Old...) {
		s, err := newSealer(secret)
		if err != nil && i > 0 {
			err = fmt.Errorf("old secret %d: %w", i, err)
		}
		errs = append(errs, err)
		k.sealers = append(k.sealers, s)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.CacheSize == 0 {
		c.CacheSize = 4096
	}
	if c.CacheLifetime == 0 {
		c.CacheLifetime = time.Minute
	}
	if k.now == nil {
		k.now = time.Now
	}
	k.cache = newCache(c.CacheSize, c.CacheLifetime)
	return k, nil
}

// Generate makes a new key and stores it under a name. It returns the public key. Errors: [storage.ErrExists] if the
// name has a key already, whose public key is [Keyring.Public]'s to tell.
func (k *Keyring) Generate(ctx context.Context, name string, kind Kind) (atcrypto.PublicKey, error) {
	key, err := kind.generate()
	if err != nil {
		return nil, err
	}
	if err := k.add(ctx, name, key); err != nil {
		return nil, err
	}
	return key.PublicKey()
}

// Put stores a key that was made elsewhere: a *[atcrypto.PrivateKeyK256] or *[atcrypto.PrivateKeyP256]. To put the same key
// again is no error. Error: [storage.ErrExists] if the name has another key.
func (k *Keyring) Put(ctx context.Context, name string, key atcrypto.PrivateKey) error {
	err := k.add(ctx, name, key)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	old, loadErr := k.key(ctx, name)
	switch {
	case loadErr != nil:
		return fmt.Errorf("%w: %w", err, loadErr)
	case !old.Equal(key):
		return err
	}
	return nil
}

// Copy stores the key of one name under another, too, as when the account comes into being for which a key was
// reserved. It is idempotent; the caller deletes the first when the rest is done. Error: [storage.ErrExists] if the other
// name has another key.
func (k *Keyring) Copy(ctx context.Context, from, to string) error {
	key, err := k.key(ctx, from)
	if err != nil {
		return err
	}
	return k.Put(ctx, to, key)
}

// Delete removes a key or secret. It is idempotent. After [storage.Accounts.DeleteAccount], which removes the account's
// key from storage, it removes it from memory.
func (k *Keyring) Delete(ctx context.Context, name string) error {
	_, err := k.store.TakeDocument(ctx, storage.KindKey, name)
	k.cache.forget(name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("keys: delete %q: %w", name, err)
	}
	return nil
}

// Public returns the public key of a name.
func (k *Keyring) Public(ctx context.Context, name string) (atcrypto.PublicKey, error) {
	key, err := k.key(ctx, name)
	if err != nil {
		return nil, err
	}
	return key.PublicKey()
}

// Sign returns an account's signature of data: of its SHA-256, compact, with a low S.
func (k *Keyring) Sign(ctx context.Context, did syntax.DID, data []byte) ([]byte, error) {
	return k.sign(ctx, did.String(), data)
}

func (k *Keyring) sign(ctx context.Context, name string, data []byte) ([]byte, error) {
	key, err := k.key(ctx, name)
	if err != nil {
		return nil, err
	}
	return key.HashAndSign(data)
}

// key returns the key of a name, from memory if it's there.
func (k *Keyring) key(ctx context.Context, name string) (atcrypto.PrivateKey, error) {
	key, epoch := k.cache.get(name, k.now())
	if key != nil {
		return key, nil
	}
	plain, err := k.load(ctx, name)
	if err != nil {
		return nil, err
	}
	key, err = decode(plain)
	if err != nil {
		return nil, fmt.Errorf("%w (%q)", err, name)
	}
	k.cache.put(name, key, k.now(), epoch)
	return key, nil
}

// add seals a key and stores it under a name that has none.
func (k *Keyring) add(ctx context.Context, name string, key atcrypto.PrivateKey) error {
	plain, err := encode(key)
	if err != nil {
		return err
	}
	defer k.cache.forget(name) // of a key that had the name before
	return k.save(ctx, name, plain)
}

// save seals what isn't stored yet. Error: [storage.ErrExists].
func (k *Keyring) save(ctx context.Context, name string, plain []byte) error {
	if name == "" {
		return errors.New("keys: a key needs a name")
	}
	d := storage.Document{Kind: storage.KindKey, ID: name, Value: k.sealers[0].seal(name, plain)}
	if did, err := syntax.ParseDID(name); err == nil {
		d.Owner = did
	}
	if err := k.store.PutDocument(ctx, storage.NewDocument{Document: d}); err != nil {
		return fmt.Errorf("keys: store %q: %w", name, err)
	}
	return nil
}

// load reads and opens what is stored under a name.
func (k *Keyring) load(ctx context.Context, name string) ([]byte, error) {
	d, err := k.store.Document(ctx, storage.KindKey, name)
	if err != nil {
		return nil, fmt.Errorf("keys: load %q: %w", name, err)
	}
	plain, err := k.sealers.open(name, d.Value)
	if err != nil {
		return nil, fmt.Errorf("%w (%q)", err, name)
	}
	return plain, nil
}

// Format implements [fmt.Formatter]. It shows nothing of the keys.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keys.Keyring") }

// Format implements [fmt.Formatter]. It shows nothing of the secrets.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keys.Config") }

// LogValue implements [slog.LogValuer]. It shows nothing of the secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue("keys.Config") }
