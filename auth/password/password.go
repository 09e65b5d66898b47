package password

import (
	"context"
	"crypto/rand"
	"runtime"
	"strings"
	"unicode/utf8"
)

const (
	// MaxNew is how many characters a new password may have.
	MaxNew = 256

	// Max is how many characters a password may have to be tried at all. Older ones may be longer
	// than new ones.
	Max = 512
)

// Hash returns the argon2id hash of a new password, in the PHC string format. Errors: [ErrLength],
// and that of ctx, if it ends while the call waits for its turn.
//
// This function and those that verify take tens of milliseconds and about 20 MiB each. As many run at once as there
// are processors, so that a flood of logins doesn't exhaust the memory; the others wait.
func Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n == 0 || n > MaxNew {
		return "", ErrLength
	}
	h := argon2Hash{argon2Params: newHashParams, salt: make([]byte, saltLen)}
	rand.Read(h.salt)
	err := withTurn(ctx, func() { h.key = h.derive(password, keyLen) })
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// Verify reports whether a password is the one of a hash. The hash is one of [Hash], another
// argon2id in the PHC string format, or "salt:key" of the reference server, which is scrypt. If the
// password is right, rehash tells that the hash is weaker than a new one would be, and should be
// replaced.
//
// A password longer than [Max] is wrong. So is every password for the hash "", that of an account
// without one; it takes as long as for another. Errors: [ErrHash], and that of ctx, if it ends
// while the call waits for its turn.
func Verify(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	if utf8.RuneCountInString(password) > Max {
		return false, false, nil
	}
	if hash == "" {
		return false, false, VerifyNone(ctx, password)
	}
	verify := verifyScrypt
	if strings.HasPrefix(hash, argon2Prefix) {
		verify = verifyArgon2
	}
	return verify(ctx, hash, password)
}

// CheckHash reports whether [Verify] knows the form of a hash, without trying a password on it. It
// is for hashes that come from elsewhere. Error: [ErrHash].
func CheckHash(hash string) error {
	if hash == "" {
		return nil
	}
	if strings.HasPrefix(hash, argon2Prefix) {
		_, err := parseArgon2(hash)
		return err
	}
	_, _, err := parseScrypt(hash)
	return err
}

// VerifyNone takes as long as [Verify] with a hash of [Hash]. It is called where there is no
// account to log in to, so that a stranger can't tell by the time which accounts exist. Error: that
// of ctx, if it ends while the call waits for its turn.
func VerifyNone(ctx context.Context, password string) error {
	if utf8.RuneCountInString(password) > Max {
		return nil
	}
	h := argon2Hash{argon2Params: newHashParams, salt: make([]byte, saltLen)}
	return withTurn(ctx, func() { h.derive(password, keyLen) })
}

// turns bounds how many derivations run at once.
var turns = make(chan struct{}, runtime.GOMAXPROCS(0))

// withTurn runs f when it is its turn, or returns ctx's error if that ends first.
func withTurn(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
		f()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
