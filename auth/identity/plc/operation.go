package plc

import (
	"maps"
	"slices"
	"strings"
)

// Op is an operation, signed or not: an [*Operation], a [*Tombstone], or the genesis operation of
// an old identity, which [ParseOp] alone makes. Its JSON form is what directories take and give;
// [ParseOp] reads it.
type Op interface {
	// Previous returns the CID of the operation that this one follows, as written in it, or "" for a genesis operation.
	Previous() string

	// Signature returns the signature, base64url without padding, or "" if there is none yet.
	Signature() string

	// Result returns the state that the operation leads to. There is none after a [*Tombstone].
	Result() (State, bool)

	// fields returns the operation's fields but the signature, in the shapes that atdata encodes.
	fields() map[string]any

	setSignature(sig string)
}

// State is what an identity consists of, beside the DID.
type State struct {
	// RotationKeys are the keys, as did:key, that may sign the next operation, in descending order of authority.
	RotationKeys []string `json:"rotationKeys"`

	// VerificationMethods are public keys, as did:key, by ID without "#".
	VerificationMethods map[string]string `json:"verificationMethods"`

	// AlsoKnownAs are URIs. The first that begins with "at://" is the handle.
	AlsoKnownAs []string `json:"alsoKnownAs"`

	// Services are service endpoints, by ID without "#".
	Services map[string]Service `json:"services"`
}

// Service is an endpoint of an identity.
type Service struct {
	Type     string `json:"type"`
	Endpoint string `json:"endpoint"`
}

// Clone returns a deep copy, in which no slice and no map is nil.
func (s State) Clone() State {
	return State{
		RotationKeys:        append([]string{}, s.RotationKeys...),
		VerificationMethods: nonNil(maps.Clone(s.VerificationMethods)),
		AlsoKnownAs:         append([]string{}, s.AlsoKnownAs...),
		Services:            nonNil(maps.Clone(s.Services)),
	}
}

// Equal says whether two states are the same. An empty slice or map is equal to a nil one.
func (s State) Equal(t State) bool {
	return slices.Equal(s.RotationKeys, t.RotationKeys) && slices.Equal(s.AlsoKnownAs, t.AlsoKnownAs) &&
		maps.Equal(s.VerificationMethods, t.VerificationMethods) && maps.Equal(s.Services, t.Services)
}

func nonNil[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

// Operation is a plc_operation: it replaces the whole state.
type Operation struct {
	State
	Prev string // the CID of the previous operation; "" for a genesis operation
	Sig  string
}

// Previous returns o.Prev.
func (o *Operation) Previous() string { return o.Prev }

// Signature returns o.Sig.
func (o *Operation) Signature() string { return o.Sig }

// Result returns a copy of the operation's state.
func (o *Operation) Result() (State, bool) { return o.State.Clone(), true }

func (o *Operation) setSignature(sig string) { o.Sig = sig }

func (o *Operation) fields() map[string]any {
	methods := make(map[string]any, len(o.VerificationMethods))
	for id, key := range o.VerificationMethods {
		methods[id] = key
	}
	services := make(map[string]any, len(o.Services))
	for id, s := range o.Services {
		services[id] = map[string]any{"type": s.Type, "endpoint": s.Endpoint}
	}
	return map[string]any{
		"type":                typeOperation,
		"rotationKeys":        anys(o.RotationKeys),
		"verificationMethods": methods,
		"alsoKnownAs":         anys(o.AlsoKnownAs),
		"services":            services,
		"prev":                nullable(o.Prev),
	}
}

// Tombstone is a plc_tombstone: it ends the identity, unless it is undone within 72 hours.
type Tombstone struct {
	Prev string // the CID of the previous operation
	Sig  string
}

// Previous returns t.Prev.
func (t *Tombstone) Previous() string { return t.Prev }

// Signature returns t.Sig.
func (t *Tombstone) Signature() string { return t.Sig }

// Result returns false: nothing is left.
func (t *Tombstone) Result() (State, bool) { return State{}, false }

func (t *Tombstone) setSignature(sig string) { t.Sig = sig }

func (t *Tombstone) fields() map[string]any {
	return map[string]any{"type": typeTombstone, "prev": t.Prev}
}

// legacyCreate is the old form of a genesis operation. Old DIDs are hashes of it, so it is read and
// checked, but directories take no new one.
type legacyCreate struct {
	SigningKey  string // as did:key
	RecoveryKey string // as did:key
	Handle      string
	Service     string // the PDS: a URL, or a host name
	Sig         string
}

// Previous returns "".
func (c *legacyCreate) Previous() string { return "" }

// Signature returns c.Sig.
func (c *legacyCreate) Signature() string { return c.Sig }

// Result returns the state in the terms of an [Operation].
func (c *legacyCreate) Result() (State, bool) {
	var s State
	s.RotationKeys = []string{c.RecoveryKey, c.SigningKey}
	s.SetSigningKey(c.SigningKey)
	handle := strings.Replace(strings.Replace(c.Handle, "http://", "", 1), "https://", "", 1)
	s.AlsoKnownAs = []string{handlePrefix + strings.TrimPrefix(handle, handlePrefix)}
	endpoint := c.Service
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		endpoint = "https://" + endpoint
	}
	s.SetPDS(endpoint)
	return s, true
}

func (c *legacyCreate) setSignature(sig string) { c.Sig = sig }

func (c *legacyCreate) fields() map[string]any {
	return map[string]any{
		"type":        typeCreate,
		"signingKey":  c.SigningKey,
		"recoveryKey": c.RecoveryKey,
		"handle":      c.Handle,
		"service":     c.Service,
		"prev":        nil,
	}
}

const (
	typeOperation = "plc_operation"
	typeTombstone = "plc_tombstone"
	typeCreate    = "create"
)

var (
	_ Op = (*Operation)(nil)
	_ Op = (*Tombstone)(nil)
	_ Op = (*legacyCreate)(nil)
)

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
