package plc

import (
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// The parts of a [State] that the AT Protocol uses.
const (
	signingKeyID = "atproto"
	pdsID        = "atproto_pds"
	pdsType      = "AtprotoPersonalDataServer"
	handlePrefix = "at://"
)

// SigningKey returns the key, as did:key, that signs the repository, or "".
func (s *State) SigningKey() string { return s.VerificationMethods[signingKeyID] }

// SetSigningKey sets the key, as did:key, that signs the repository.
func (s *State) SetSigningKey(key string) {
	s.VerificationMethods = nonNil(s.VerificationMethods)
	s.VerificationMethods[signingKeyID] = key
}

// Handle returns the handle that the identity claims, or "" if it claims none. It proves nothing: the handle has to
// resolve to the DID as well.
func (s *State) Handle() syntax.Handle {
	for _, uri := range s.AlsoKnownAs {
		if rest, ok := strings.CutPrefix(uri, handlePrefix); ok {
			if h, err := syntax.ParseHandle(rest); err == nil {
				return h.Normalize()
			}
		}
	}
	return ""
}

// SetHandle puts a handle in the place of the one that the identity claims, or in front of its other names if it claims
// none.
func (s *State) SetHandle(h syntax.Handle) {
	uri := handlePrefix + h.Normalize().String()
	for i, have := range s.AlsoKnownAs {
		if strings.HasPrefix(have, handlePrefix) {
			s.AlsoKnownAs[i] = uri
			return
		}
	}
	s.AlsoKnownAs = append([]string{uri}, s.AlsoKnownAs...)
}

// PDS returns the URL of the identity's PDS, or "".
func (s *State) PDS() string { return s.Services[pdsID].Endpoint }

// SetPDS sets the URL of the identity's PDS, which has neither path nor final slash.
func (s *State) SetPDS(url string) {
	s.Services = nonNil(s.Services)
	s.Services[pdsID] = Service{Type: pdsType, Endpoint: url}
}
