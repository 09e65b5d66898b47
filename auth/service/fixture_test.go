package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage/memory"
)

const (
	alice    = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	bob      = syntax.DID("did:plc:44ybard66vv44zksje25o7dz")
	audience = syntax.DID("did:web:pds.example.com")
)

// start is the moment at which the tests' clocks begin.
var start = time.Unix(1767225600, 0).UTC()

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// ask has an authenticator find out who makes a request.
func ask(a auth.Authenticator, r *http.Request) (auth.Caller, error) {
	c, err := auth.CredentialsOf(r)
	if err != nil {
		return auth.Caller{}, err
	}
	return a.Authenticate(r, c)
}

// network is a DID directory with keys that sign for its DIDs, and a cache that may be old.
type network struct {
	t       *testing.T
	keys    map[string]atcrypto.PrivateKey // by DID
	cached  map[syntax.DID]json.RawMessage
	lookups int // past the cache
}

func newNetwork(t *testing.T) *network {
	n := &network{t: t, keys: map[string]atcrypto.PrivateKey{}, cached: map[syntax.DID]json.RawMessage{}}
	k, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	p, err := atcrypto.GeneratePrivateKeyP256()
	if err != nil {
		t.Fatal(err)
	}
	n.keys[alice.String()], n.keys[bob.String()] = k, p
	return n
}

func (n *network) Public(_ context.Context, name string) (atcrypto.PublicKey, error) {
	key, ok := n.keys[name]
	if !ok {
		return nil, errors.New("no such key")
	}
	return key.PublicKey()
}

func (n *network) Sign(_ context.Context, did syntax.DID, data []byte) ([]byte, error) {
	return n.keys[did.String()].HashAndSign(data)
}

func (n *network) document(ctx context.Context, did syntax.DID) (json.RawMessage, error) {
	if doc, ok := n.cached[did]; ok {
		return doc, nil
	}
	n.lookups++
	pub, err := n.Public(ctx, did.String())
	if err != nil {
		return nil, err
	}
	n.cached[did], err = json.Marshal(map[string]any{
		"id": did,
		"verificationMethod": []any{
			map[string]any{"id": did + "#atproto", "type": "Multikey", "controller": did, "publicKeyMultibase": pub.Multibase()},
			map[string]any{"id": did + "#atproto_label", "type": "Multikey", "controller": did, "publicKeyMultibase": pub.Multibase()},
		},
	})
	return n.cached[did], err
}

func (n *network) Refresh(ctx context.Context, did syntax.DID) (*identity.Identity, error) {
	delete(n.cached, did)
	raw, err := n.document(ctx, did)
	if err != nil {
		return nil, err
	}
	var doc identity.DIDDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	id := identity.ParseIdentity(&doc)
	return &id, nil
}

func (n *network) verifier(c *clock, moderators ...syntax.DID) *Verifier {
	n.t.Helper()
	s, err := New(Config{
		Audiences: []string{audience.String(), audience.String() + "#atproto_pds"},
		Document:  n.document, Refresh: n.Refresh, Used: memory.New(), Moderators: moderators, Now: c.Now,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

const upload = "com.atproto.repo.uploadBlob"

func (n *network) sign(t Token, now time.Time) string {
	n.t.Helper()
	token, err := t.Sign(n.t.Context(), n, now)
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

func serviceRequest(method, token string) *http.Request {
	r := httptest.NewRequest("POST", "/xrpc/"+method, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// resign changes a token's header and claims, and signs it again with the issuer's key.
func (n *network) resign(token string, did syntax.DID, edit func(header, claims map[string]any)) string {
	n.t.Helper()
	parts := strings.Split(token, ".")
	var header, claims map[string]any
	for i, m := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			n.t.Fatal(err)
		}
		if err := json.Unmarshal(raw, m); err != nil {
			n.t.Fatal(err)
		}
	}
	edit(header, claims)
	signed, err := joinJWT(header, claims)
	if err != nil {
		n.t.Fatal(err)
	}
	sig, err := n.keys[did.String()].HashAndSign([]byte(signed))
	if err != nil {
		n.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}
