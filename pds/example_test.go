package pds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/memory"
)

// A PDS among a host's other handlers. What lasts is kept in storage/sqlite and storage/disk, and the secret comes from
// wherever the host has its secrets; see the program examples/mount.
func Example() {
	ctx := context.Background()
	store := memory.New()
	keyring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := keyring.Generate(ctx, "rotation", keys.K256); err != nil { // at the first start
		log.Fatal(err)
	}
	rotation, err := keyring.Signer(ctx, "rotation")
	if err != nil {
		log.Fatal(err)
	}
	srv, err := pds.New(pds.Config{
		Store: store, Blobs: memory.NewBlobs(), PublicURL: "https://pds.example.com",
		TokenSecret: []byte("at least sixteen bytes"), Keys: keyring, RotationKey: rotation,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the host's own page") })
	srv.Mount(mux)

	fmt.Println(get(mux, "/about", ""))
	fmt.Println(get(mux, "/xrpc/com.atproto.sync.listRepos", ""))
	// Output:
	// the host's own page
	// {"repos":[]}
}

// New says all that is wrong at once.
func ExampleNew() {
	_, err := pds.New(pds.Config{Store: memory.New(), Blobs: memory.NewBlobs(), PublicURL: "pds.example.com"})
	fmt.Println(err)
	// Output:
	// pds: Config.Keys is required
	// pds: Config.RotationKey is required
	// pds: Config.TokenSecret must have at least 16 bytes
	// pds: Config.PublicURL "pds.example.com" is not the URL of an origin
}

// exampleServer makes a server in memory with the account alice, and tells its DID.
func exampleServer(ctx context.Context, changes ...func(*pds.Config)) (*pds.Server, syntax.DID) {
	store := memory.New()
	keyring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	if err != nil {
		log.Fatal(err)
	}
	c := pds.Config{
		Store: store, Blobs: memory.NewBlobs(), PublicURL: "https://pds.example.com",
		TokenSecret: []byte("a secret that only tests know"), Keys: keyring,
	}
	c.Registrar, c.Directory = exampleIdentities(ctx, keyring)
	for _, change := range changes {
		change(&c)
	}
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	did, err := srv.CreateAccount(ctx, pds.NewAccount{Handle: "alice.pds.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	return srv, did
}

// exampleIdentities registers and resolves identities in a PLC directory that is in memory, too.
func exampleIdentities(ctx context.Context, keyring *keys.Keyring) (identity.Registrar, pds.Directory) {
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: inProcess{directory}}
	registry, err := plc.NewClient(plc.ClientConfig{HTTP: client})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := keyring.Generate(ctx, "rotation", keys.K256); err != nil {
		log.Fatal(err)
	}
	rotation, err := keyring.Signer(ctx, "rotation")
	if err != nil {
		log.Fatal(err)
	}
	return identity.NewPLCRegistrar(registry, rotation), exampleDocuments{http: client}
}

// exampleDocuments are those of a PLC directory. An example that asks for anything else panics.
type exampleDocuments struct {
	pds.Directory
	http *http.Client
}

func (d exampleDocuments) ResolveDIDRaw(_ context.Context, did syntax.DID) (json.RawMessage, error) {
	res, err := d.http.Get(plc.DefaultURL + "/" + did.String())
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (d exampleDocuments) LookupDID(ctx context.Context, did syntax.DID) (*indigo.Identity, error) {
	raw, err := d.ResolveDIDRaw(ctx, did)
	if err != nil {
		return nil, err
	}
	var doc indigo.DIDDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	ident := indigo.ParseIdentity(&doc)
	return &ident, nil
}

// inProcess passes requests on to a handler without a socket.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// get returns what a handler answers to a GET, with an access token or "" for none.
func get(h http.Handler, path, token string) string { return ask(h, "GET", path, token, "") }

// ask returns what a handler answers to a request.
func ask(h http.Handler, verb, path, token, body string) string {
	r := httptest.NewRequest(verb, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return strings.TrimSpace(w.Body.String())
}
