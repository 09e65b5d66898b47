package keys

import "errors"

var (
	// ErrSealed: a key is sealed under a secret that the Keyring doesn't have.
	ErrSealed = errors.New("keys: sealed under an unknown secret")

	// ErrCorrupt: a sealed key was altered, was sealed for another name, or has an unknown version.
	ErrCorrupt = errors.New("keys: corrupt sealed key")

	// ErrKind: the name isn't that of a signing key, or not that of a secret of the wanted length.
	ErrKind = errors.New("keys: key of another kind")
)
