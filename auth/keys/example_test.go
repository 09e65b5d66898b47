package keys_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/storage/memory"
)

// What others ask for is a signer of accounts' data, and one of the server's own.
var (
	_ interface {
		Sign(context.Context, syntax.DID, []byte) ([]byte, error)
	} = (*keys.Keyring)(nil)

	_ interface {
		PublicKey() atcrypto.PublicKey
		Sign(context.Context, []byte) ([]byte, error)
	} = (*keys.Signer)(nil)
)

// A key is reserved before the account's DID is known.
func Example() {
	ctx := context.Background()
	ring, err := keys.New(keys.Config{
		Store:  memory.New(),
		Secret: bytes.Repeat([]byte("secret! "), 4), // at least 32 random bytes
	})
	if err != nil {
		panic(err)
	}

	public, err := ring.Generate(ctx, "reserved/1", keys.K256)
	if err != nil {
		panic(err)
	}
	did := syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	if err := ring.Copy(ctx, "reserved/1", did.String()); err != nil {
		panic(err)
	}
	if err := ring.Delete(ctx, "reserved/1"); err != nil {
		panic(err)
	}

	sig, err := ring.Sign(ctx, did, []byte("a commit"))
	if err != nil {
		panic(err)
	}
	fmt.Println(public.HashAndVerify([]byte("a commit"), sig), ring)
	// Output: <nil> keys.Keyring
}

// The server's own secrets come into being when they're first used.
func ExampleKeyring_Secret() {
	ctx := context.Background()
	store := memory.New()
	secret := bytes.Repeat([]byte("secret! "), 4)
	first, err := keys.New(keys.Config{Store: store, Secret: secret})
	if err != nil {
		panic(err)
	}
	a, err := first.Secret(ctx, "sessions", 32)
	if err != nil {
		panic(err)
	}

	second, err := keys.New(keys.Config{Store: store, Secret: secret})
	if err != nil {
		panic(err)
	}
	b, err := second.Secret(ctx, "sessions", 32)
	fmt.Println(len(a), bytes.Equal(a, b), err)
	// Output: 32 true <nil>
}

// The rotation key of the accounts' did:plc signs by its name.
func ExampleKeyring_Signer() {
	ctx := context.Background()
	ring, err := keys.New(keys.Config{Store: memory.New(), Secret: bytes.Repeat([]byte("secret! "), 4)})
	if err != nil {
		panic(err)
	}
	if _, err := ring.Generate(ctx, "plc-rotation", keys.K256); err != nil {
		panic(err)
	}
	signer, err := ring.Signer(ctx, "plc-rotation")
	if err != nil {
		panic(err)
	}
	sig, err := signer.Sign(ctx, []byte("an operation"))
	fmt.Println(signer.PublicKey().HashAndVerify([]byte("an operation"), sig), err)
	// Output: <nil> <nil>
}
