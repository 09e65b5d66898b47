package plc

import (
	"strings"
	"unicode/utf16"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
)

// The limits of the public directory. Lengths of strings are in UTF-16 code units.
const (
	maxOpBytes             = 4000 // of the signed operation in DAG-CBOR
	maxRotationKeys        = 10
	maxVerificationMethods = 10
	maxAlsoKnownAs         = 10
	maxServices            = 10

	maxAlsoKnownAsLength     = 258
	maxServiceTypeLength     = 256
	maxServiceEndpointLength = 512
	maxIDLength              = 32
	maxDIDKeyLength          = 256
)

// checkLimits says whether a directory takes an operation's content, whatever the log. It refuses
// a [legacyCreate]. Error: [ErrMalformed].
func checkLimits(op Op) error {
	b, err := encodeSigned(op)
	if err != nil {
		return err
	}
	if len(b) > maxOpBytes {
		return invalid(ErrMalformed, "Operation too large (%d bytes maximum in cbor encoding)", maxOpBytes)
	}
	switch o := op.(type) {
	case *Operation:
		return o.State.check()
	case *legacyCreate:
		return notValid(o)
	}
	return nil
}

func (s *State) check() error {
	if err := checkNames(s.AlsoKnownAs); err != nil {
		return err
	}
	if len(s.RotationKeys) > maxRotationKeys {
		return invalid(ErrMalformed, "Too many rotationKey entries (max %d)", maxRotationKeys)
	}
	for _, key := range s.RotationKeys {
		if _, err := atcrypto.ParsePublicDIDKey(key); err != nil {
			return invalid(ErrMalformed, "Invalid rotationKey: %s", key)
		}
	}
	if err := checkServices(s.Services); err != nil {
		return err
	}
	return checkMethods(s.VerificationMethods)
}

func checkNames(names []string) error {
	if len(names) > maxAlsoKnownAs {
		return invalid(ErrMalformed, "To many alsoKnownAs entries (max %d)", maxAlsoKnownAs)
	}
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if length(n) > maxAlsoKnownAsLength {
			return invalid(ErrMalformed, "alsoKnownAs entry too long (max %d): %s", maxAlsoKnownAsLength, n)
		}
		if seen[n] {
			return invalid(ErrMalformed, "duplicate alsoKnownAs entry: %s", n)
		}
		seen[n] = true
	}
	return nil
}

func checkServices(services map[string]Service) error {
	if len(services) > maxServices {
		return invalid(ErrMalformed, "To many service entries (max %d)", maxServices)
	}
	for id, s := range services {
		switch {
		case length(id) > maxIDLength:
			return invalid(ErrMalformed, "Service id too long (max %d): %s", maxIDLength, id)
		case length(s.Type) > maxServiceTypeLength:
			return invalid(ErrMalformed, "Service type too long (max %d)", maxServiceTypeLength)
		case length(s.Endpoint) > maxServiceEndpointLength:
			return invalid(ErrMalformed, "Service endpoint too long (max %d)", maxServiceEndpointLength)
		}
	}
	return nil
}

// checkMethods takes keys of any type, as long as their spelling is that of a did:key: others than the AT Protocol use
// these.
func checkMethods(methods map[string]string) error {
	if len(methods) > maxVerificationMethods {
		return invalid(ErrMalformed, "Too many Verification Method entries (max %d)", maxVerificationMethods)
	}
	for id, key := range methods {
		if length(id) > maxIDLength {
			return invalid(ErrMalformed, "Verification Method id too long (max %d): %s", maxIDLength, id)
		}
		if length(key) > maxDIDKeyLength {
			return invalid(ErrMalformed, "Verification Method key too long (max %d): %s", maxDIDKeyLength, key)
		}
		multikey, ok := strings.CutPrefix(key, "did:key:z")
		if !ok || strings.Trim(multikey, base58) != "" {
			return invalid(ErrMalformed, "Invalid verificationMethod key: %s", key)
		}
	}
	return nil
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
