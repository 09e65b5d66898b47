package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// signedAt returns the headers of a message with the body "body".
func signedAt(t testing.TB, at time.Time, secrets ...string) http.Header {
	t.Helper()
	keys, err := parseSecrets(secrets)
	check(t, err)
	h := make(http.Header)
	sign(h, "msg_1", []byte("body"), at, keys)
	return h
}

// What is signed is what Standard Webhooks says: the HMAC was computed by openssl.
func TestSignature(t *testing.T) {
	h := signedAt(t, time.Unix(1767355200, 0), secret)
	const want = "v1,dJVQ4bnclMhUz3UnxAkwIIAIaGD6Me1C6eaxDL9lh54="
	if got := h.Get("webhook-signature"); got != want || h.Get("webhook-id") != "msg_1" || h.Get("webhook-timestamp") != "1767355200" {
		t.Errorf("got %v", h)
	}
}

func TestVerify(t *testing.T) {
	other := NewSecret()
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	good := signedAt(t, noon, secret).Get(headerSignature)
	for _, c := range []struct {
		name    string
		change  func(http.Header)
		body    string
		at      time.Time
		secrets []string
		want    error
	}{
		{name: "as it was sent"},
		{name: "just young enough", at: noon.Add(tolerance)},
		{name: "just old enough", at: noon.Add(-tolerance)},
		{name: "too old", at: noon.Add(tolerance + time.Second), want: ErrTimestamp},
		{name: "too young", at: noon.Add(-tolerance - time.Second), want: ErrTimestamp},
		{name: "the new secret", secrets: []string{other, secret}},
		{name: "another secret", secrets: []string{other}, want: ErrSignature},
		{name: "another body", body: "Body", want: ErrSignature},
		{name: "another ID", change: set(headerID, "msg_2"), want: ErrSignature},
		{name: "no ID", change: set(headerID, ""), want: ErrSignature},
		{name: "an ID with a point", change: set(headerID, "msg_1.1"), want: ErrSignature},
		{name: "another time", change: set(headerTimestamp, "1767355201"), want: ErrSignature},
		{name: "no time", change: set(headerTimestamp, ""), want: ErrSignature},
		{name: "a time that is none", change: set(headerTimestamp, "noon"), want: ErrSignature},
		{name: "no signature", change: set(headerSignature, ""), want: ErrSignature},
		{name: "an empty signature", change: set(headerSignature, "v1,"), want: ErrSignature},
		{name: "a signature that is none", change: set(headerSignature, "v1,?"), want: ErrSignature},
		{name: "part of the signature", change: set(headerSignature, good[:len(good)-4]), want: ErrSignature},
		{name: "another version", change: set(headerSignature, "v2"+good[2:]), want: ErrSignature},
		{name: "one of several", change: set(headerSignature, "v1a,x  v1,AAAA "+good)},
	} {
		h := signedAt(t, noon, secret)
		if c.change != nil {
			c.change(h)
		}
		if c.body == "" {
			c.body = "body"
		}
		if c.at.IsZero() {
			c.at = noon
		}
		if c.secrets == nil {
			c.secrets = []string{secret}
		}
		if err := Verify(h, []byte(c.body), c.at, c.secrets...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	both := signedAt(t, noon, other, secret)
	for _, s := range []string{secret, other} {
		if err := Verify(both, []byte("body"), noon, s); err != nil {
			t.Errorf("signed with two secrets: %v", err)
		}
	}
}

func TestSecrets(t *testing.T) {
	if a, b := NewSecret(), NewSecret(); a == b {
		t.Error("twice the same")
	} else if _, err := parseSecret(a); err != nil {
		t.Error(err)
	}
	for _, s := range []string{
		"", "whsec_", strings.TrimPrefix(secret, "whsec_"), "whsec_c2VjcmV0", secret + "?",
		"whsec_" + strings.Repeat("AAAA", 22),
	} {
		if err := Verify(nil, nil, noon, s); err == nil || errors.Is(err, ErrSignature) || s != "" && strings.Contains(err.Error(), s) && s != "whsec_" {
			t.Errorf("%q: %v", s, err)
		}
	}
	if err := Verify(signedAt(t, noon, secret), []byte("body"), noon); err == nil {
		t.Error("it verifies without a secret")
	}
}

// FuzzVerify: whatever the headers are, nothing panics, and just what has the right signature in it is accepted.
func FuzzVerify(f *testing.F) {
	good := signedAt(f, noon, secret)
	f.Add(good.Get(headerID), good.Get(headerTimestamp), good.Get(headerSignature))
	f.Add("msg_1", "-9223372036854775809", "v1,")
	f.Add("msg_1.1", "9223372036854775807", "v1,AAAA v1,"+good.Get(headerSignature))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string) {
		h := http.Header{headerID: {id}, headerTimestamp: {timestamp}, headerSignature: {signature}}
		if err := Verify(h, []byte("body"), noon, secret); err != nil {
			return
		}
		if id != good.Get(headerID) || timestamp != good.Get(headerTimestamp) ||
			!strings.Contains(" "+signature+" ", " "+good.Get(headerSignature)+" ") {
			t.Errorf("accepted: %q %q %q", id, timestamp, signature)
		}
	})
}
