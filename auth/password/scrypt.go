package password

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// The reference server's scrypt: Node's defaults, and as the salt not the bytes that its hexadecimal digits stand for,
// but the digits themselves.
const (
	scryptN       = 16384
	scryptR       = 8
	scryptP       = 1
	scryptKeyLen  = 64
	scryptSaltLen = 16
)

// Scrypt returns the hash of a password with a given salt, in the reference server's form. It is
// for passwords that are random themselves, and are found by their hash: for others use [Hash],
// which makes a salt. Error: that of ctx, if it ends while the call waits for its turn.
func Scrypt(ctx context.Context, password string, salt [16]byte) (string, error) {
	digits := hex.EncodeToString(salt[:])
	key, err := deriveScrypt(ctx, password, digits)
	if err != nil {
		return "", err
	}
	return digits + ":" + hex.EncodeToString(key), nil
}

func verifyScrypt(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	salt, want, err := parseScrypt(hash)
	if err != nil {
		return false, false, err
	}
	got, err := deriveScrypt(ctx, password, salt)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1
	return ok, ok, nil
}

// parseScrypt reads "salt:key". Error: [ErrHash].
func parseScrypt(hash string) (salt string, key []byte, err error) {
	salt, digits, found := strings.Cut(hash, ":")
	key, keyErr := hex.DecodeString(digits)
	_, saltErr := hex.DecodeString(salt)
	if !found || keyErr != nil || saltErr != nil || len(salt) != 2*scryptSaltLen || len(key) != scryptKeyLen {
		return "", nil, ErrHash
	}
	return salt, key, nil
}

func deriveScrypt(ctx context.Context, password, salt string) ([]byte, error) {
	var key []byte
	var err error
	turnErr := withTurn(ctx, func() {
		key, err = scrypt.Key([]byte(password), []byte(salt), scryptN, scryptR, scryptP, scryptKeyLen)
	})
	if turnErr != nil {
		return nil, turnErr
	}
	return key, err
}
