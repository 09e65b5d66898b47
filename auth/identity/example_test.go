package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

// An account's DID is made, stored, and only then registered. What can go wrong is left out here.
func ExampleRegistrar() {
	ctx := context.Background()
	inProcess, _ := plc.NewDirectory(plc.DirectoryConfig{})
	server := httptest.NewServer(inProcess)
	defer server.Close()
	client, _ := plc.NewClient(plc.ClientConfig{URL: server.URL})
	key, _ := atcrypto.GeneratePrivateKeyK256()
	signer, _ := plc.NewSigner(key)
	var registrar identity.Registrar = identity.NewPLCRegistrar(client, signer)

	did, op, _ := registrar.NewGenesis(ctx, identity.Genesis{
		SigningKey: signer.PublicKey().DIDKey(),
		Handle:     "alice.example.com",
		PDS:        "https://pds.example.com",
	})
	fmt.Println("registered:", registrar.Submit(ctx, did, op) == nil)

	directory, _ := identity.NewDirectory(identity.DirectoryConfig{PLCURL: server.URL})
	document, _ := directory.ResolveDID(ctx, did)
	fmt.Println(document.AlsoKnownAs[0], document.Service[0].ServiceEndpoint)
	// Output:
	// registered: true
	// at://alice.example.com https://pds.example.com
}

func ExampleHandleRules() {
	rules := identity.HandleRules{ServiceDomains: []string{".example.com"}}
	for _, raw := range []string{"Alice.example.com", "al.example.com", "alice.org"} {
		h, err := rules.ValidateNew(raw)
		var refused *identity.HandleError
		if errors.As(err, &refused) {
			fmt.Println(raw+":", refused.Message)
			continue
		}
		fmt.Println(h)
	}
	// Output:
	// alice.example.com
	// al.example.com: Handle too short
	// alice.org: Not a supported handle domain
}

func ExampleNewGuardedClient() {
	client := identity.NewGuardedClient(identity.GuardConfig{})
	_, err := client.Get("https://169.254.169.254/latest/meta-data/")
	fmt.Println(errors.Is(err, identity.ErrForbidden))
	// Output: true
}

func ExampleNormalizeHandle() {
	for _, raw := range []string{"Alice.Example.com", "alice"} {
		h, err := identity.NormalizeHandle(raw)
		fmt.Printf("%q %t\n", h, errors.Is(err, identity.ErrInvalidHandle))
	}
	// Output:
	// "alice.example.com" false
	// "" true
}
