package pds_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
)

// storedReservation is one that version 0.1.0 has left in its store, of a sign-up that broke off.
const storedReservation = `{"did":"did:plc:pl6frpxm3ctz7zmiw2c4g3p3","op":{"alsoKnownAs":["at://alice.test"],"prev":null,` +
	`"rotationKeys":["did:key:zQ3shfWHP4cNSM929M9MukbjwVpvHJVgMghjNY6ebafxjeyEd"],"services":{"atproto_pds":{"endpoint":` +
	`"https://pds.example.com","type":"AtprotoPersonalDataServer"}},"sig":"l1tLb9Vec7eCnXBLeabJ0Drw9JLgZqs2VFQssV5ba1VXF` +
	`ovhrL-7bb9uhJrruxIyQKwyTHz1KK_n10NhSxPbig","type":"plc_operation","verificationMethods":{"atproto":` +
	`"did:key:zQ3shfWHP4cNSM929M9MukbjwVpvHJVgMghjNY6ebafxjeyEd"}},"email":"","passwordHash":""}`

// TestStoredReservation: a sign-up that broke off before an update of the server is finished after
// it, with the DID that was decided, and the operation as it was stored.
func TestStoredReservation(t *testing.T) {
	const did = syntax.DID("did:plc:pl6frpxm3ctz7zmiw2c4g3p3")
	p := pdstest.New(t)
	if _, err := p.Config.Keys.Generate(t.Context(), did.String(), keys.K256); err != nil {
		t.Fatal(err)
	}
	now := p.Clock.Now()
	err := p.Config.Store.PutDocument(t.Context(), storage.NewDocument{Document: storage.Document{
		Kind: "signup-handle", ID: "alice.test", Value: []byte(storedReservation),
		IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.CreateAccount(t.Context(), pds.NewAccount{Handle: "alice.test"})
	if err != nil || got != did {
		t.Fatalf("got %s, %v, want %s", got, err, did)
	}
	res, err := p.HTTP.Get(p.PLCURL + "/" + did.String() + "/log/last")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var stored struct{ Op struct{ Sig string } }
	var registered struct{ Sig string }
	if err := json.Unmarshal([]byte(storedReservation), &stored); err != nil {
		t.Fatal(err)
	}
	err = json.NewDecoder(res.Body).Decode(&registered)
	if err != nil || res.StatusCode != http.StatusOK || registered != stored.Op {
		t.Errorf("the directory has %+v: %d, %v", registered, res.StatusCode, err)
	}
}
