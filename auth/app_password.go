package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// NewAppPassword returns a random app password of the form xxxx-xxxx-xxxx-xxxx, 80 bits in base32.
func NewAppPassword() string {
	var b [10]byte
	rand.Read(b[:])
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// HashAppPassword returns the hash of an app password of an account, in the form of the reference server. It is always the
// same, so that one derivation finds the app password among all those of the account; what it guards is random and
// needs no salt of its own. Errors: [ErrInvalidLogin] if the password is longer than [MaxPassword], and that of ctx, if
// it ends while the call waits for its turn.
func HashAppPassword(ctx context.Context, did syntax.DID, password string) (string, error) {
	if utf8.RuneCountInString(password) > MaxPassword {
		return "", ErrInvalidLogin
	}
	sum := sha256.Sum256([]byte(did))
	salt := hex.EncodeToString(sum[:scryptSaltChars/2])
	key, err := deriveScrypt(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return salt + ":" + hex.EncodeToString(key), nil
}
