package plc_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

// A DID is known before it is registered, so that it can be stored first. What can go wrong is left out here.
func Example() {
	ctx := context.Background()
	directory, _ := plc.NewDirectory(plc.DirectoryConfig{})
	server := httptest.NewServer(directory)
	defer server.Close()
	client, _ := plc.NewClient(plc.ClientConfig{URL: server.URL})

	key, _ := atcrypto.GeneratePrivateKeyK256()
	signer, _ := plc.NewSigner(key)
	rotationKey := signer.PublicKey().DIDKey()

	state := plc.State{RotationKeys: []string{rotationKey}}
	state.SetHandle("alice.example.com")
	state.SetPDS("https://pds.example.com")
	state.SetSigningKey(rotationKey)

	op := &plc.Operation{State: state}
	_ = plc.Sign(ctx, op, signer)
	did, _ := plc.GenesisDID(op)
	fmt.Println("registered:", client.Submit(ctx, did, op) == nil)

	data, _ := client.Data(ctx, did)
	fmt.Println(data.Handle(), data.PDS())
	// Output:
	// registered: true
	// alice.example.com https://pds.example.com
}
