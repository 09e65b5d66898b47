package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// Bytes of a secret.
const (
	minSecret = 24
	maxSecret = 64
)

const secretPrefix = "whsec_"

var errSecret = errors.New(`webhook: a secret is "whsec_" and the base64 of 24 to 64 bytes`)

// NewSecret makes a secret for an endpoint, of 32 random bytes, in the form that Standard Webhooks gives it: "whsec_" and
// their base64.
func NewSecret() string {
	var key [32]byte
	rand.Read(key[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// parseSecret returns the bytes. The error doesn't have the secret in it.
func parseSecret(s string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, errSecret
	}
	return key, nil
}

func parseSecrets(secrets []string) ([][]byte, error) {
	if len(secrets) == 0 {
		return nil, errors.New("webhook: there is no secret")
	}
	keys := make([][]byte, len(secrets))
	for i, s := range secrets {
		var err error
		if keys[i], err = parseSecret(s); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
