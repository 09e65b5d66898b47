package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Params says how much work a derivation is.
type argon2Params struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

// newHashParams is the work for new hashes: of the settings that OWASP holds to be equally strong, one with little
// memory.
var newHashParams = argon2Params{memory: 19456, time: 2, threads: 1}

// maxHashParams bounds the work for hashes that come from elsewhere, each by itself.
var maxHashParams = argon2Params{memory: 128 * 1024, time: 10, threads: 16}

const (
	argon2Prefix = "$argon2id$"
	saltLen      = 16
	keyLen       = 32
	maxSaltLen   = 64
	minKeyLen    = 16
	maxKeyLen    = 64
)

// weakerThan reports whether p is less work than q in some respect.
func (p argon2Params) weakerThan(q argon2Params) bool { return p.memory < q.memory || p.time < q.time }

// argon2Hash is a hash in the PHC string format.
type argon2Hash struct {
	argon2Params
	salt, key []byte
}

func (h argon2Hash) derive(password string, n uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, n)
}

// String returns the PHC string format.
func (h argon2Hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2Prefix, argon2.Version, h.memory, h.time, h.threads, b64(h.salt), b64(h.key))
}

func verifyArgon2(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	h, err := parseArgon2(hash)
	if err != nil {
		return false, false, err
	}
	var key []byte
	if err := withTurn(ctx, func() { key = h.derive(password, uint32(len(h.key))) }); err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(key, h.key) == 1
	return ok, ok && h.weakerThan(newHashParams), nil
}

// parseArgon2 reads a hash whose work is within bounds. Error: [ErrHash].
func parseArgon2(hash string) (argon2Hash, error) {
	rest, isArgon2 := strings.CutPrefix(hash, argon2Prefix)
	parts := strings.Split(rest, "$")
	if !isArgon2 || len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return argon2Hash{}, ErrHash
	}
	params, err := parseArgon2Params(parts[1])
	if err != nil {
		return argon2Hash{}, err
	}
	h := argon2Hash{argon2Params: params}
	b64 := base64.RawStdEncoding.Strict()
	var saltErr, keyErr error
	h.salt, saltErr = b64.DecodeString(parts[2])
	h.key, keyErr = b64.DecodeString(parts[3])
	if saltErr != nil || keyErr != nil || len(h.salt) < 8 || len(h.salt) > maxSaltLen ||
		len(h.key) < minKeyLen || len(h.key) > maxKeyLen {
		return argon2Hash{}, ErrHash
	}
	return h, nil
}

// parseArgon2Params reads "m=…,t=…,p=…".
func parseArgon2Params(s string) (argon2Params, error) {
	var n [3]uint32
	fields := strings.Split(s, ",")
	if len(fields) != len(n) {
		return argon2Params{}, ErrHash
	}
	limits := [3]uint32{maxHashParams.memory, maxHashParams.time, uint32(maxHashParams.threads)}
	for i, prefix := range [3]string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], prefix)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || v < 1 || v > uint64(limits[i]) {
			return argon2Params{}, ErrHash
		}
		n[i] = uint32(v)
	}
	return argon2Params{memory: n[0], time: n[1], threads: uint8(n[2])}, nil
}
