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
func loadSecrets(ctx context.Context, s *settings, store storage.Keys) (*secrets, error) {
	seal, err := sealingSecret(s)
	if err != nil {
		return nil, err
	}
	out := &secrets{token: []byte(s.jwtSecret)}
	if out.keyring, err = keys.New(keys.Config{Store: store, Secret: seal}); err != nil {
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

// sealingSecret is the secret under which keys are sealed: PDS_KEY_SECRET, or else what a file beside the database
// says, which is made once. To keep the two apart, as backups should, is for those who set the variable.
func sealingSecret(s *settings) ([]byte, error) {
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
