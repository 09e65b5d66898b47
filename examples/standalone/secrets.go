package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/storage"
)

// secrets are what the server signs with.
type secrets struct {
	keyring  *keys.Keyring
	token    []byte
	rotation *keys.Signer
}

// The names of the server's own keys and secrets in the store.
const (
	rotationKey = "plc-rotation"
	tokenSecret = "session-tokens"
)

// loadSecrets takes the secrets from the settings; those that aren't there are made once, and kept sealed in the store.
func loadSecrets(ctx context.Context, s *settings, store storage.Store) (*secrets, error) {
	sealed, err := sealedKey(ctx, store)
	if err != nil {
		return nil, err
	}
	seal, err := sealingSecret(s, sealed == "")
	if err != nil {
		return nil, err
	}
	out := &secrets{token: []byte(s.jwtSecret)}
	if out.keyring, err = keys.New(keys.Config{Store: store, Secret: seal}); err != nil {
		return nil, err
	}
	if err := opens(ctx, out.keyring, sealed); err != nil {
		return nil, err
	}
	if s.jwtSecret == "" {
		if out.token, err = out.keyring.Secret(ctx, tokenSecret, 32); err != nil {
			return nil, err
		}
	}
	name := rotationKey
	if s.rotationKey != "" {
		name, err = putRotationKey(ctx, out.keyring, s.rotationKey)
	} else {
		_, err = out.keyring.Generate(ctx, name, keys.K256)
	}
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return nil, err
	}
	out.rotation, err = out.keyring.Signer(ctx, name)
	return out, err
}

// putRotationKey stores a given rotation key under a name of its own, so that another can be given later.
func putRotationKey(ctx context.Context, keyring *keys.Keyring, hexadecimal string) (string, error) {
	raw, err := hex.DecodeString(hexadecimal)
	if err != nil {
		return "", errors.New("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX is not hexadecimal")
	}
	key, err := atcrypto.ParsePrivateBytesK256(raw)
	if err != nil {
		return "", errors.New("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX is not a K-256 key")
	}
	public, err := key.PublicKey()
	if err != nil {
		return "", err
	}
	name := rotationKey + ":" + public.DIDKey()
	return name, keyring.Put(ctx, name, key)
}

// sealedKey returns the name of an account's key that is in a store, or "": a server that was restored from the backup of
// what is public has none of its first accounts.
func sealedKey(ctx context.Context, store storage.Store) (name string, err error) {
	for a, err := range store.ListAccounts(ctx, 0, 100) {
		if err == nil {
			_, err = store.Document(ctx, storage.KindKey, a.DID.String())
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return a.DID.String(), err
		}
	}
	return "", nil
}

// opens says whether a keyring's secret is the one that a key of a store is sealed under. With another the server would
// seal new accounts' keys: whichever of the two was used afterwards, some would be lost.
func opens(ctx context.Context, keyring *keys.Keyring, sealed string) error {
	if sealed == "" {
		return nil
	}
	if _, err := keyring.Public(ctx, sealed); err != nil {
		return fmt.Errorf("the accounts' keys don't open with this secret: %w", err)
	}
	return nil
}

// sealingSecret is the secret under which keys are sealed: PDS_KEY_SECRET, or else what a file beside the database
// says, which is made if create says so. To keep the two apart, as backups should, is for those who set the variable.
func sealingSecret(s *settings, create bool) ([]byte, error) {
	if s.keySecret != "" {
		if len(s.keySecret) < keys.MinSecret {
			return nil, fmt.Errorf("PDS_KEY_SECRET must have at least %d characters", keys.MinSecret)
		}
		return []byte(s.keySecret), nil
	}
	path := filepath.Join(s.data, "key-secret")
	b, err := os.ReadFile(path)
	if err == nil {
		return []byte(strings.TrimSpace(string(b))), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !create {
		return nil, fmt.Errorf("the keys are sealed: set PDS_KEY_SECRET, or copy the server's key-secret to %s", s.data)
	}
	secret := rand.Text() + rand.Text()
	return []byte(secret), writeDurably(path, secret+"\n")
}

// writeDurably makes a file that survives a loss of power, whole or not at all: what is sealed under a secret is lost
// with it.
func writeDurably(path, content string) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
