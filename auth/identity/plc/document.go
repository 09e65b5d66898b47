package plc

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Data is a state with its DID, as a directory returns it.
type Data struct {
	DID syntax.DID `json:"did"`
	State
}

// document is a DID document, as a directory renders it.
//
// Spec: https://www.w3.org/TR/did-core/
type document struct {
	Context            []string                         `json:"@context"`
	ID                 syntax.DID                       `json:"id"`
	AlsoKnownAs        []string                         `json:"alsoKnownAs"`
	VerificationMethod []identity.DocVerificationMethod `json:"verificationMethod"`
	Service            []identity.DocService            `json:"service"`
}

// document renders the state as a DID document. Methods and services are ordered by the length of
// their IDs, then byte by byte, as in the public directory.
func (d Data) document() document {
	doc := document{
		Context:            []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"},
		ID:                 d.DID,
		AlsoKnownAs:        append([]string{}, d.AlsoKnownAs...),
		VerificationMethod: []identity.DocVerificationMethod{},
		Service:            []identity.DocService{},
	}
	for _, id := range sortedIDs(d.VerificationMethods) {
		key := d.VerificationMethods[id]
		if c := keyContext(key); c != "" && !slices.Contains(doc.Context, c) {
			doc.Context = append(doc.Context, c)
		}
		doc.VerificationMethod = append(doc.VerificationMethod, identity.DocVerificationMethod{
			ID:                 d.DID.String() + "#" + id,
			Type:               "Multikey",
			Controller:         d.DID.String(),
			PublicKeyMultibase: strings.TrimPrefix(key, "did:key:"),
		})
	}
	for _, id := range sortedIDs(d.Services) {
		s := d.Services[id]
		doc.Service = append(doc.Service, identity.DocService{ID: "#" + id, Type: s.Type, ServiceEndpoint: s.Endpoint})
	}
	return doc
}

// keyContext returns the JSON-LD context of a key's type, or "" if the type is unknown.
func keyContext(key string) string {
	pub, err := atcrypto.ParsePublicDIDKey(key)
	if err != nil {
		return ""
	}
	switch pub.(type) {
	case *atcrypto.PublicKeyP256:
		return "https://w3id.org/security/suites/ecdsa-2019/v1"
	case *atcrypto.PublicKeyK256:
		return "https://w3id.org/security/suites/secp256k1-2019/v1"
	}
	return ""
}

func sortedIDs[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}
