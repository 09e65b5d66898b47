package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// The sentinel errors of handles, each the lexicon's error of the same name. [HandleRules] returns them in a
// [*HandleError].
var (
	ErrInvalidHandle      = errors.New("identity: invalid handle")
	ErrUnsupportedDomain  = errors.New("identity: unsupported domain")
	ErrHandleNotAvailable = errors.New("identity: handle not available")
)

// HandleError says why a handle isn't given.
type HandleError struct {
	// Kind is [ErrInvalidHandle], [ErrUnsupportedDomain] or [ErrHandleNotAvailable].
	Kind error

	// Message is what users see. Clients match some of them.
	Message string
}

// Error returns kind and message.
func (e *HandleError) Error() string { return fmt.Sprintf("%v: %s", e.Kind, e.Message) }

// Unwrap returns the kind.
func (e *HandleError) Unwrap() error { return e.Kind }

// Lengths of a handle's part in front of a service domain.
const (
	MinLabelLength = 3
	MaxLabelLength = 18
)

// HandleRules says which handles a server gives.
type HandleRules struct {
	// ServiceDomains are the domains under which accounts get handles, such as ".example.com", with or without the
	// first dot. If zero, no account can be created with a handle.
	ServiceDomains []string

	// Reserved says of a label, in lower case, that nobody gets it in front of a service domain. If zero,
	// [ReservedLabel].
	Reserved func(label string) bool
}

// NormalizeHandle returns a handle in lower case. Error: [ErrInvalidHandle].
//
// Spec: https://atproto.com/specs/handle
func NormalizeHandle(raw string) (syntax.Handle, error) {
	h, err := syntax.ParseHandle(raw)
	if err != nil {
		return "", &HandleError{ErrInvalidHandle, "Invalid handle"}
	}
	return h.Normalize(), nil
}

// Label returns what stands in front of the service domain in a handle, which may have dots, and whether the handle is
// under one. Of several domains that fit, the longest counts.
func (r HandleRules) Label(h syntax.Handle) (label string, ok bool) {
	for _, domain := range withDots(r.ServiceDomains) {
		if l, under := strings.CutSuffix(h.Normalize().String(), domain); under && (!ok || len(l) < len(label)) {
			label, ok = l, true
		}
	}
	return label, ok
}

// Validate normalizes a handle that an account wants. One under a service domain has to follow its rules. Whoever
// wants another has to prove that it is theirs, by letting it resolve to their DID: that is the caller's to check.
//
// Errors: [ErrInvalidHandle]; [ErrHandleNotAvailable].
func (r HandleRules) Validate(raw string) (syntax.Handle, error) { return r.validate(raw, false) }

// ValidateReserved does what Validate does, and lets reserved labels pass: for administrators.
func (r HandleRules) ValidateReserved(raw string) (syntax.Handle, error) {
	return r.validate(raw, true)
}

// ValidateNew does what Validate does for an account that is about to be created, and that has no DID yet which another
// handle could resolve to. Errors, beside those of Validate: [ErrUnsupportedDomain].
func (r HandleRules) ValidateNew(raw string) (syntax.Handle, error) {
	h, err := r.validate(raw, false)
	if err != nil {
		return "", err
	}
	if _, ok := r.Label(h); !ok {
		return "", &HandleError{ErrUnsupportedDomain, "Not a supported handle domain"}
	}
	return h, nil
}

func (r HandleRules) validate(raw string, reserved bool) (syntax.Handle, error) {
	h, err := NormalizeHandle(raw)
	if err != nil {
		return "", err
	}
	if !h.AllowedTLD() {
		return "", &HandleError{ErrInvalidHandle, "Handle TLD is invalid or disallowed"}
	}
	label, ok := r.Label(h)
	isReserved := r.Reserved
	if isReserved == nil {
		isReserved = ReservedLabel
	}
	switch {
	case !ok:
		return h, nil
	case strings.Contains(label, "."):
		return "", &HandleError{ErrInvalidHandle, "Invalid characters in handle"}
	case len(label) < MinLabelLength:
		return "", &HandleError{ErrInvalidHandle, "Handle too short"}
	case len(label) > MaxLabelLength:
		return "", &HandleError{ErrInvalidHandle, "Handle too long"}
	case !reserved && isReserved(label):
		return "", &HandleError{ErrHandleNotAvailable, "Reserved handle"}
	}
	return h, nil
}

// withDots returns domains in lower case with a dot in front.
func withDots(domains []string) []string {
	out := make([]string, len(domains))
	for i, d := range domains {
		out[i] = "." + strings.TrimPrefix(strings.ToLower(d), ".")
	}
	return out
}
