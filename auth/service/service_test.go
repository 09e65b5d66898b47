package service

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	indigoauth "github.com/bluesky-social/indigo/atproto/auth"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage/memory"
)

// Tokens for keys of both kinds, and for either form of the audience, are good once.
func TestServiceToken(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c)
	for _, did := range []syntax.DID{alice, bob} {
		for _, aud := range []string{audience.String(), audience.String() + "#atproto_pds"} {
			r := serviceRequest(upload, n.sign(Token{Issuer: did, Audience: aud, Method: upload}, c.now))
			got, err := ask(s, r)
			if err != nil || got.DID != did || got.Kind != auth.KindService || got.TokenID == "" {
				t.Fatalf("%s for %s: %+v, %v", did, aud, got, err)
			}
			if _, err := ask(s, r); !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), "used already") {
				t.Errorf("a second time: %v", err)
			}
		}
	}
}

// Upstream's verification accepts our tokens, and we accept upstream's.
func TestServiceTokenInterop(t *testing.T) {
	n := newNetwork(t)
	c := &clock{now: time.Now()}
	lxm := syntax.NSID(upload)
	for _, did := range []syntax.DID{alice, bob} {
		dir := identity.NewMockDirectory()
		id, err := n.Refresh(t.Context(), did)
		if err != nil {
			t.Fatal(err)
		}
		id.Handle = "x.example.com"
		dir.Insert(*id)
		v := indigoauth.ServiceAuthValidator{Audience: audience.String() + "#x", Dir: dir}
		token := n.sign(Token{Issuer: did, Audience: audience.String() + "#x", Method: lxm}, c.now)
		if got, err := v.Validate(t.Context(), token, &lxm); err != nil || got != did {
			t.Errorf("upstream says %q, %v", got, err)
		}
		token, err = indigoauth.SignServiceAuth(did, audience.String(), time.Minute, &lxm, n.keys[did.String()])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ask(n.verifier(c), serviceRequest(upload, token)); err != nil || got.DID != did {
			t.Errorf("of upstream's we say %+v, %v", got, err)
		}
	}
}

// Some programs count time in fractions of a second.
func TestServiceTokenFraction(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c)
	for name, value := range map[string]float64{"iat": float64(start.Unix()) + 0.5, "exp": float64(start.Unix()) + 30.5} {
		token := n.resign(n.sign(Token{Issuer: alice, Audience: audience.String(), Method: upload}, c.now), alice,
			func(_, claims map[string]any) { claims[name] = value })
		if _, err := ask(s, serviceRequest(upload, token)); err != nil {
			t.Errorf("%s %f: %v", name, value, err)
		}
	}
}

// A token without an ID is known by what it says. A signature has another form, with the other S, which JWTs may have.
func TestServiceTokenForms(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c)
	good := n.sign(Token{Issuer: bob, Audience: audience.String(), Method: upload}, c.now)
	for i := range 2 {
		token := n.resign(good, bob, func(_, claims map[string]any) {
			delete(claims, "jti")
			claims["n"] = i
		})
		cut := strings.LastIndex(token, ".") + 1
		sig, err := base64.RawURLEncoding.DecodeString(token[cut:])
		if err != nil {
			t.Fatal(err)
		}
		other := new(big.Int).SetBytes(sig[32:])
		other.Sub(elliptic.P256().Params().N, other).FillBytes(sig[32:])
		if _, err := ask(s, serviceRequest(upload, token[:cut]+base64.RawURLEncoding.EncodeToString(sig))); err != nil {
			t.Errorf("token %d: %v", i, err)
		}
		if _, err := ask(s, serviceRequest(upload, token)); !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), "used already") {
			t.Errorf("token %d in its other form: %v", i, err)
		}
	}
}

// Tokens of ever other issuers have no more of them looked up again than are remembered.
func TestRefreshLimit(t *testing.T) {
	var l refreshLimit
	did := func(i int) syntax.DID { return syntax.DID(fmt.Sprintf("did:web:%d.example.com", i)) }
	for i := range maxRefreshed {
		if !l.allow(did(i), start) {
			t.Fatalf("number %d isn't allowed", i)
		}
	}
	if l.allow(did(maxRefreshed), start) || l.allow(did(0), start) {
		t.Error("there is no limit")
	}
	if !l.allow(did(maxRefreshed), start.Add(refreshEvery)) || !l.allow(did(0), start.Add(refreshEvery)) {
		t.Error("the limit stays")
	}
}

func TestServiceTokenRefused(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c)
	edited := func(edit func(header, claims map[string]any)) string {
		good := n.sign(Token{Issuer: alice, Audience: audience.String(), Method: upload}, c.now)
		return n.resign(good, alice, edit)
	}
	claim := func(name string, value any) string {
		return edited(func(_, claims map[string]any) { claims[name] = value })
	}
	header := func(name string, value any) string {
		return edited(func(header, _ map[string]any) { header[name] = value })
	}
	good := claim("ignored", true)
	if _, err := ask(s, serviceRequest(upload, good)); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	parts := strings.Split(claim("other", 1), ".")
	for name, test := range map[string]struct{ token, want string }{
		"no token at all":     {"x.y", "BadJwt"},
		"bad base64":          {"!." + parts[1] + "." + parts[2], "BadJwt"},
		"another's signature": {n.resign(good, bob, func(h, _ map[string]any) { h["alg"] = "ES256" }), "BadJwtSignature"},
		"changed":             {parts[0] + "." + strings.Split(claim("jti", "another"), ".")[1] + "." + parts[2], "BadJwtSignature"},
		"no signature":        {parts[0] + "." + parts[1] + ".", "BadJwtSignature"},
		"algorithm none":      {header("alg", "none"), "BadJwtSignature"},
		"another algorithm":   {header("alg", "ES256"), "BadJwtSignature"},
		"a session token":     {header("typ", "at+jwt"), "BadJwtType"},
		"a refresh token":     {header("typ", "refresh+jwt"), "BadJwtType"},
		"a proof":             {header("typ", "dpop+jwt"), "BadJwtType"},
		"for another server":  {claim("aud", "did:web:other.example.com"), "BadJwtAudience"},
		"for another service": {claim("aud", audience.String()+"#other"), "BadJwtAudience"},
		"for several":         {claim("aud", []string{audience.String()}), "BadJwt"},
		"for another method":  {claim("lxm", "com.atproto.server.createAccount"), "BadJwtLexiconMethod"},
		"in another case":     {claim("lxm", strings.ToLower(upload)), "BadJwtLexiconMethod"},
		"for every method":    {edited(func(_, c map[string]any) { delete(c, "lxm") }), "BadJwtLexiconMethod"},
		"expired":             {claim("exp", start.Unix()), "JwtExpired"},
		"never expires":       {edited(func(_, c map[string]any) { delete(c, "exp") }), "JwtExpired"},
		"expires in words":    {claim("exp", "tomorrow"), "BadJwt"},
		"expires too late":    {claim("exp", 1e300), "BadJwt"},
		"expires next year":   {claim("exp", start.AddDate(1, 0, 0).Unix()), "BadJwt"},
		"from tomorrow":       {claim("iat", start.AddDate(0, 0, 1).Unix()), "BadJwt"},
		"no issuer":           {claim("iss", "alice.example.com"), "BadJwtIss"},
		"an unknown issuer":   {claim("iss", "did:web:unknown.example.com"), "BadJwtIss"},
		"a key for labels":    {header("kid", "#atproto_label"), "UntrustedIss"},
		"the old form of that": {edited(func(h, c map[string]any) {
			delete(h, "kid")
			c["iss"] = alice.String() + "#atproto_labeler"
		}), "UntrustedIss"},
		"a key that isn't there": {header("kid", "#other"), "UntrustedIss"},
		"too long":               {claim("x", strings.Repeat("x", maxToken)), "BadJwt"},
	} {
		_, err := ask(s, serviceRequest(upload, test.token))
		var e *auth.Error
		if !errors.As(err, &e) || e.Name != test.want || e.Status != 401 {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// A key that has changed is looked up once more; forged tokens don't have it looked up again and again.
func TestServiceTokenKeyRotation(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c)
	attempt := func() error {
		token := n.sign(Token{Issuer: alice, Audience: audience.String(), Method: upload}, c.now)
		_, err := ask(s, serviceRequest(upload, token))
		return err
	}
	if err := attempt(); err != nil || n.lookups != 1 {
		t.Fatalf("%v after %d lookups", err, n.lookups)
	}
	fresh, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	n.keys[alice.String()] = fresh
	if err := attempt(); err != nil || n.lookups != 2 {
		t.Fatalf("with a new key: %v after %d lookups", err, n.lookups)
	}
	forged := Token{Issuer: alice, Audience: audience.String(), Method: upload}
	for range 20 {
		token := n.resign(n.sign(forged, c.now), bob, func(_, _ map[string]any) {})
		if _, err := ask(s, serviceRequest(upload, token)); err == nil {
			t.Fatal("a forged token is accepted")
		}
	}
	if n.lookups != 2 {
		t.Errorf("forged tokens caused %d lookups", n.lookups-2)
	}
	c.advance(refreshEvery)
	ask(s, serviceRequest(upload, n.resign(n.sign(forged, c.now), bob, func(_, _ map[string]any) {})))
	if n.lookups != 3 {
		t.Errorf("after a while there were %d lookups more, want 1", n.lookups-2)
	}
}

func TestServiceTokenOfModerator(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	s := n.verifier(c, bob)
	good := n.sign(Token{Issuer: bob, Audience: audience.String(), Method: upload}, c.now)
	old := n.resign(good, bob, func(h, claims map[string]any) {
		delete(h, "kid")
		claims["iss"], claims["jti"] = bob.String()+"#atproto_labeler", "other"
	})
	for _, token := range []string{good, old} {
		if got, err := ask(s, serviceRequest(upload, token)); err != nil || got.Kind != auth.KindModerator || got.DID != bob {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// Or tells session tokens from service tokens, and never takes one for the other.
func TestServiceAuthOr(t *testing.T) {
	n, c := newNetwork(t), &clock{now: start}
	sessions, err := session.New(session.Config{
		Store: memory.New(), Secret: []byte("0123456789abcdef"), Audience: audience, Now: c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := sessions.Create(t.Context(), alice, session.ScopeAccess, "")
	if err != nil {
		t.Fatal(err)
	}
	a, access := n.verifier(c).Or(sessions), tokens.Access
	for token, want := range map[string]auth.Kind{
		access: auth.KindSession,
		n.sign(Token{Issuer: alice, Audience: audience.String(), Method: upload}, c.now): auth.KindService,
	} {
		if got, err := ask(a, serviceRequest(upload, token)); err != nil || got.Kind != want {
			t.Errorf("got %+v, %v, want %q", got, err, want)
		}
	}
	methodless := n.sign(Token{Issuer: alice, Audience: audience.String()}, c.now)
	if _, err := ask(a, serviceRequest(upload, methodless)); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("without a method: %v", err)
	}
	if got, err := ask(a, httptest.NewRequest("GET", "/xrpc/x", nil)); err != nil || got.Kind != auth.KindAnonymous {
		t.Errorf("without a token: %+v, %v", got, err)
	}
}

func FuzzServiceToken(f *testing.F) {
	f.Add("eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NksifQ.eyJpc3MiOiJkaWQ6d2ViOmEuZXhhbXBsZSIsImx4bSI6InguYS5iIn0.AAAA")
	f.Add("..")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, raw string) {
		isServiceToken(raw)
		token, err := parse(raw)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if token.issuer == "" || !strings.HasPrefix(raw, token.signed+".") {
			t.Errorf("%q parses to %+v", raw, token)
		}
	})
}
