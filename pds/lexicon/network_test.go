package lexicon_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/atdata"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

const publisher = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")

// network is DNS, a DID directory and a server with the repo of one account that publishes lexicons.
type network struct {
	engine *repo.Engine
	key    *atcrypto.PrivateKeyK256
	txt    map[string][]string
	now    time.Time

	lookups, requests atomic.Int32

	answer   func(*http.Request) (status int, body []byte) // if nil, the repo answers
	identity *identity.Identity
}

func newNetwork(t testing.TB) *network {
	t.Helper()
	key, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	n := &network{key: key, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	n.repair(t)
	store := memory.New()
	if n.engine, err = repo.New(repo.Config{Store: store, Signer: n}); err != nil {
		t.Fatal(err)
	}
	genesis, err := n.engine.Genesis(t.Context(), publisher)
	if err != nil {
		t.Fatal(err)
	}
	account := storage.Account{DID: publisher, Handle: "publisher.test"}
	if _, err := store.CreateAccount(t.Context(), storage.NewAccount{Account: account, Commit: genesis}); err != nil {
		t.Fatal(err)
	}
	return n
}

// repair sets everything but the repo right.
func (n *network) repair(t testing.TB) {
	t.Helper()
	public, err := n.key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	n.answer = nil
	n.txt = map[string][]string{"_lexicon.example.com": {"v=spf1 -all", "did=" + publisher.String()}}
	n.identity = &identity.Identity{
		DID: publisher,
		Services: map[string]identity.ServiceEndpoint{
			"atproto_pds": {Type: "AtprotoPersonalDataServer", URL: "https://pds.example.com"},
		},
		Keys: map[string]identity.VerificationMethod{
			"atproto": {Type: "Multikey", PublicKeyMultibase: public.Multibase()},
		},
	}
}

// Sign signs the publisher's commits.
func (n *network) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	return n.key.HashAndSign(unsigned)
}

// publish puts a lexicon, given as the JSON of its definitions, under a key.
func (n *network) publish(t testing.TB, rkey, id, defs string) {
	t.Helper()
	n.put(t, rkey, `{"$type":"com.atproto.lexicon.schema","lexicon":1,"id":"`+id+`","defs":`+defs+`}`)
}

// put puts a record among the lexicons.
func (n *network) put(t testing.TB, rkey, record string) {
	t.Helper()
	value, err := atdata.MarshalCBOR(data(t, record))
	if err != nil {
		t.Fatal(err)
	}
	op := repo.Op{Action: repo.Put, Path: "com.atproto.lexicon.schema/" + rkey, Value: value}
	if _, err := n.engine.Apply(t.Context(), publisher, repo.Batch{Ops: []repo.Op{op}}); err != nil {
		t.Fatal(err)
	}
}

// LookupDID is the directory's.
func (n *network) LookupDID(_ context.Context, did syntax.DID) (*identity.Identity, error) {
	if did != n.identity.DID {
		return nil, identity.ErrDIDNotFound
	}
	return n.identity, nil
}

// RoundTrip answers what com.atproto.sync.getRecord does.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.requests.Add(1)
	status, body := http.StatusOK, []byte(nil)
	if n.answer != nil {
		status, body = n.answer(r)
	} else {
		var car bytes.Buffer
		q := r.URL.Query()
		if err := n.engine.RecordProof(r.Context(), syntax.DID(q.Get("did")), q.Get("collection")+"/"+q.Get("rkey"), &car); err != nil {
			return nil, err
		}
		body = car.Bytes()
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func (n *network) lookupTXT(_ context.Context, name string) ([]string, error) {
	n.lookups.Add(1)
	records, ok := n.txt[name]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return records, nil
}

func (n *network) resolver(t testing.TB, change ...func(*lexicon.ResolverConfig)) *lexicon.Resolver {
	t.Helper()
	config := lexicon.ResolverConfig{
		Directory: n,
		HTTP:      &http.Client{Transport: n},
		LookupTXT: n.lookupTXT,
		Now:       func() time.Time { return n.now },
	}
	for _, c := range change {
		c(&config)
	}
	r, err := lexicon.NewResolver(config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
