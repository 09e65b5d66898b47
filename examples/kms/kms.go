package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// kms is a pds.Keys whose keys are elsewhere. What the store keeps under a key's name is the key's ID there, so that an
// account's key is forgotten with the account. All names of a key are one key in the service, which removes keys by its own
// rules, when they haven't signed for long.
type kms struct {
	url   string
	names storage.Documents
}

var _ pds.Keys = (*kms)(nil)

// Generate makes a key. The service has P-256 only, which is as good as any other kind to the protocol.
func (k *kms) Generate(ctx context.Context, name string, _ keys.Kind) (atcrypto.PublicKey, error) {
	if _, err := k.id(ctx, name); !errors.Is(err, storage.ErrNotFound) {
		if err == nil {
			err = storage.ErrExists
		}
		return nil, err
	}
	id, err := k.call(ctx, http.MethodPost, "/keys", nil)
	if err != nil {
		return nil, err
	}
	if err := k.put(ctx, name, id); err != nil {
		return nil, err
	}
	return k.Public(ctx, name)
}

// Copy gives a key another name. It is idempotent.
func (k *kms) Copy(ctx context.Context, from, to string) error {
	id, err := k.id(ctx, from)
	if err != nil {
		return err
	}
	err = k.put(ctx, to, id)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	old, readErr := k.id(ctx, to)
	if readErr != nil || !bytes.Equal(old, id) {
		return errors.Join(err, readErr)
	}
	return nil
}

// Delete takes a name away.
func (k *kms) Delete(ctx context.Context, name string) error {
	_, err := k.names.TakeDocument(ctx, storage.KindKey, name)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// Public asks for the public key of a name.
func (k *kms) Public(ctx context.Context, name string) (atcrypto.PublicKey, error) {
	id, err := k.id(ctx, name)
	if err != nil {
		return nil, err
	}
	raw, err := k.call(ctx, http.MethodGet, "/keys/"+string(id), nil)
	if err != nil {
		return nil, err
	}
	return atcrypto.ParsePublicUncompressedBytesP256(raw)
}

// Sign signs for an account.
func (k *kms) Sign(ctx context.Context, did syntax.DID, data []byte) ([]byte, error) {
	return k.sign(ctx, did.String(), data)
}

// sign has the service sign the digest of data, and makes of its answer what the protocol wants.
func (k *kms) sign(ctx context.Context, name string, data []byte) ([]byte, error) {
	id, err := k.id(ctx, name)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(data)
	der, err := k.call(ctx, http.MethodPost, "/keys/"+string(id)+"/sign", digest[:])
	if err != nil {
		return nil, err
	}
	return compact(der)
}

// put stores a key's ID under a name. The name of an account's key is its DID.
func (k *kms) put(ctx context.Context, name string, id []byte) error {
	d := storage.Document{Kind: storage.KindKey, ID: name, Value: id}
	if did, err := syntax.ParseDID(name); err == nil {
		d.Owner = did
	}
	return k.names.PutDocument(ctx, storage.NewDocument{Document: d})
}

// id returns the ID of a name's key.
func (k *kms) id(ctx context.Context, name string) ([]byte, error) {
	d, err := k.names.Document(ctx, storage.KindKey, name)
	return d.Value, err
}

func (k *kms) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, k.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("kms: %s: %s", res.Status, answer)
	}
	return answer, err
}

// signer is one key, for the identities of all accounts.
type signer struct {
	kms    *kms
	name   string
	public atcrypto.PublicKey
}

func (k *kms) signer(ctx context.Context, name string) (*signer, error) {
	public, err := k.Public(ctx, name)
	return &signer{k, name, public}, err
}

// PublicKey implements plc.Signer.
func (s *signer) PublicKey() atcrypto.PublicKey { return s.public }

// Sign implements plc.Signer.
func (s *signer) Sign(ctx context.Context, data []byte) ([]byte, error) {
	return s.kms.sign(ctx, s.name, data)
}
