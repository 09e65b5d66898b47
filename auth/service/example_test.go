package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/storage/memory"
)

// An account asks another service for one method, and the service finds out who asks.
func ExampleToken() {
	ctx := context.Background()
	store := memory.New()
	keyring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		log.Fatal(err)
	}
	const alice, notes syntax.DID = "did:web:alice.example.com", "did:web:notes.example.com"
	key, err := keyring.Generate(ctx, alice.String(), keys.K256)
	if err != nil {
		log.Fatal(err)
	}

	// On the account's server:
	token, err := service.Token{
		Issuer: alice, Audience: notes.String(), Method: "com.example.notes.list",
	}.Sign(ctx, keyring, time.Now())
	if err != nil {
		log.Fatal(err)
	}

	// At the service, which would resolve the DID; see package auth/identity.
	document := fmt.Appendf(nil, `{"id": %[1]q, "verificationMethod": [
		{"id": "%[1]s#atproto", "type": "Multikey", "controller": %[1]q, "publicKeyMultibase": %[2]q}]}`, alice, key.Multibase())
	authenticator, err := service.New(service.Config{
		Audiences: []string{notes.String()},
		Document:  func(context.Context, syntax.DID) (json.RawMessage, error) { return document, nil },
		Refresh: func(context.Context, syntax.DID) (*identity.Identity, error) {
			return nil, errors.New("the key is the one in the document")
		},
		Used: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, method := range []string{"notes.list", "notes.delete", "notes.list"} {
		r := httptest.NewRequest("GET", "/xrpc/com.example."+method, nil)
		caller, err := authenticator.Authenticate(r, auth.Credentials{Scheme: "Bearer", Token: token})
		fmt.Printf("%q %v\n", caller.DID, err)
	}
	// Output:
	// "did:web:alice.example.com" <nil>
	// "" BadJwtLexiconMethod: bad jwt lexicon method ("lxm"). must match: com.example.notes.delete
	// "" BadJwt: jwt has been used already
}
