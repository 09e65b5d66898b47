package auth_test

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
	"github.com/pdskit/pdskit/storage/memory"
)

// An account asks another service for one method, and the service finds out who asks.
func ExampleServiceToken() {
	ctx := context.Background()
	store := memory.New()
	keyring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		log.Fatal(err)
	}
	const alice, service syntax.DID = "did:web:alice.example.com", "did:web:notes.example.com"
	key, err := keyring.Generate(ctx, alice.String(), keys.K256)
	if err != nil {
		log.Fatal(err)
	}

	// On the account's server:
	token, err := auth.ServiceToken{
		Issuer: alice, Audience: service.String(), Method: "com.example.notes.list",
	}.Sign(ctx, keyring, time.Now())
	if err != nil {
		log.Fatal(err)
	}

	// At the service, which would resolve the DID; see package auth/identity.
	document := fmt.Appendf(nil, `{"id": %[1]q, "verificationMethod": [
		{"id": "%[1]s#atproto", "type": "Multikey", "controller": %[1]q, "publicKeyMultibase": %[2]q}]}`, alice, key.Multibase())
	authenticator, err := auth.NewServiceAuth(auth.ServiceAuthConfig{
		Audiences: []string{service.String()},
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
		r.Header.Set("Authorization", "Bearer "+token)
		caller, err := authenticator.Authenticate(r)
		fmt.Printf("%q %v\n", caller.DID, err)
	}
	// Output:
	// "did:web:alice.example.com" <nil>
	// "" BadJwtLexiconMethod: bad jwt lexicon method ("lxm"). must match: com.example.notes.delete
	// "" BadJwt: jwt has been used already
}

// What an app may do that somebody has let act for them.
func ExampleScope() {
	scope, err := auth.ParseScope("atproto repo:com.example.note?action=create blob:image/*")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range []auth.Permission{
		auth.RepoPermission("com.example.note", auth.Create),
		auth.RepoPermission("com.example.note", auth.Delete),
		auth.BlobPermission("image/png"),
		auth.CallPermission("com.example.notes.list", "did:web:notes.example.com#notes"),
	} {
		fmt.Println(scope.Allows(p), p)
	}
	// Output:
	// true repo:com.example.note?action=create
	// false repo:com.example.note?action=delete
	// true blob:image/png
	// false rpc:com.example.notes.list?aud=did%3Aweb%3Anotes.example.com%23notes
}

// A method for people who are logged in, and for apps that may create notes.
func ExamplePolicy_OrApp() {
	policy := auth.Session.OrApp(auth.RepoPermission("com.example.note", auth.Create))
	for _, caller := range []auth.Caller{
		{Kind: auth.KindSession, DID: "did:web:alice.example.com"},
		{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto repo:com.example.note"},
		{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto"},
		{},
	} {
		fmt.Println(policy.Check(context.Background(), caller, nil))
	}
	// Output:
	// <nil>
	// <nil>
	// ScopeMissingError: Missing required scope "repo:com.example.note?action=create"
	// AuthMissing: Authentication Required
}

// A method that is told what to write by its input asks what the app may write.
func ExampleCaller_May() {
	app := auth.Caller{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto repo:com.example.note"}
	for _, collection := range []string{"com.example.note", "com.example.diary"} {
		fmt.Println(app.May(auth.RepoPermission(syntax.NSID(collection), auth.Create)))
	}
	// Output:
	// <nil>
	// ScopeMissingError: Missing required scope "repo:com.example.diary?action=create"
}
