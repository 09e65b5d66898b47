package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrSignature: a message isn't signed with the secret, or not as it arrived.
	ErrSignature = errors.New("webhook: no valid signature")

	// ErrTimestamp: a message was signed too long ago, or in the future: it may be someone who sends again what they have
	// overheard.
	ErrTimestamp = errors.New("webhook: the timestamp is too far from now")
)

// tolerance is how far a message's timestamp may be from the receiver's clock.
const tolerance = 5 * time.Minute

// Verify reports whether a request is a message from a sender that has one of the secrets, of which there is more than one
// while they're being changed. It takes the request's headers, its whole body, byte by byte as it arrived, and the time,
// from which the message's may differ by five minutes. It says nothing about repetitions.
//
// Errors: [ErrSignature], [ErrTimestamp], and that a secret isn't one.
func Verify(h http.Header, body []byte, now time.Time, secrets ...string) error {
	keys, err := parseSecrets(secrets)
	if err != nil {
		return err
	}
	id, timestamp := h.Get(headerID), h.Get(headerTimestamp)
	at, err := strconv.ParseInt(timestamp, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%w: no timestamp", ErrSignature)
	case id == "" || strings.Contains(id, "."): // a point would leave open where the ID ends
		return fmt.Errorf("%w: no ID", ErrSignature)
	case !signed(h.Get(headerSignature), id, timestamp, body, keys):
		return ErrSignature
	}
	if early, late := now.Add(-tolerance).Unix(), now.Add(tolerance).Unix(); at < early || at > late {
		return ErrTimestamp
	}
	return nil
}

// signed reports whether one of the signatures in a header is by one of the keys. How long it takes doesn't depend on how
// much of a signature is right.
func signed(header, id, timestamp string, body []byte, keys [][]byte) bool {
	want := make([][]byte, len(keys))
	for i, key := range keys {
		want[i] = signature(key, id, timestamp, body)
	}
	for field := range strings.SplitSeq(header, " ") {
		encoded, ok := strings.CutPrefix(field, signatureVersion)
		if !ok {
			continue // of a version that we don't know
		}
		got, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, w := range want {
			if hmac.Equal(got, w) {
				return true
			}
		}
	}
	return false
}
