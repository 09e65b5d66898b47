package service

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Lifetime is for how long a service token is good where nobody says otherwise.
const Lifetime = time.Minute

// keyAtproto is the ID of the key that signs for an account, in its DID document.
const keyAtproto = "#atproto"

// KeySource signs with the keys of accounts. See keys.Keyring.
type KeySource interface {
	// Public returns the key of an account, whose name is the account's DID.
	Public(ctx context.Context, name string) (atcrypto.PublicKey, error)

	// Sign returns an account's signature of data: of its SHA-256, compact, with a low S.
	Sign(ctx context.Context, did syntax.DID, data []byte) ([]byte, error)
}

// Token is what a service token says: an account asks a service to answer a method.
//
// Spec: https://atproto.com/specs/xrpc#inter-service-authentication-jwt
type Token struct {
	Issuer   syntax.DID  // the account
	Audience string      // the service's DID, with or without "#" and the service's ID in the DID's document
	Method   syntax.NSID // "" for every method

	// ExpiresAt is kept to the second. If zero, [Lifetime] from now.
	ExpiresAt time.Time
}

// Sign returns the token, signed with the issuer's key. now is when it is issued.
func (t Token) Sign(ctx context.Context, keys KeySource, now time.Time) (string, error) {
	key, err := keys.Public(ctx, t.Issuer.String())
	if err != nil {
		return "", fmt.Errorf("service: sign: %w", err)
	}
	alg, err := algorithm(key)
	if err != nil {
		return "", err
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = now.Add(Lifetime)
	}
	var id [16]byte
	rand.Read(id[:])
	signed, err := joinJWT(header{Type: "JWT", Algorithm: alg, KeyID: keyAtproto}, claims{
		Issuer: t.Issuer.String(), Audience: t.Audience, Method: t.Method.String(),
		Issued: numericDate(now.Unix()), Expires: numericDate(t.ExpiresAt.Unix()), ID: hex.EncodeToString(id[:]),
	})
	if err != nil {
		return "", err
	}
	sig, err := keys.Sign(ctx, t.Issuer, []byte(signed))
	if err != nil {
		return "", fmt.Errorf("service: sign: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

type header struct {
	Type      string `json:"typ"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
}

type claims struct {
	Issuer   string      `json:"iss"`
	Audience string      `json:"aud"`
	Method   string      `json:"lxm,omitempty"`
	Issued   numericDate `json:"iat"`
	Expires  numericDate `json:"exp"`
	ID       string      `json:"jti"`
}

// numericDate is a time in Unix seconds. That of another issuer may have a fraction, which is cut off. (A jwt.NumericDate
// lies in the past if it is large enough.)
type numericDate int64

// UnmarshalJSON implements [json.Unmarshaler].
func (d *numericDate) UnmarshalJSON(raw []byte) error {
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(seconds) > 1<<53 {
		return errors.New("service: not a time in seconds")
	}
	*d = numericDate(seconds)
	return nil
}

func (d numericDate) time() time.Time { return time.Unix(int64(d), 0) }

// joinJWT returns what is signed of a token.
func joinJWT(header, claims any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c), nil
}

// algorithm returns the JWT algorithm of a key.
func algorithm(key atcrypto.PublicKey) (string, error) {
	switch key.(type) {
	case *atcrypto.PublicKeyK256:
		return "ES256K", nil
	case *atcrypto.PublicKeyP256:
		return "ES256", nil
	}
	return "", errors.New("service: the account's key is of no kind that service tokens know")
}
