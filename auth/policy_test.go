package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

const (
	alice = syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	bob   = syntax.DID("did:plc:44ybard66vv44zksje25o7dz")
)

// optionalSession is the policy of reading what its owner may read even when others may not.
var optionalSession = Session.OrTakendown().Or(Admin).Optional()

// TestPolicies is the table of who is admitted where, and what the others hear.
func TestPolicies(t *testing.T) {
	const custom = Kind("custom")
	kinds := []Kind{KindAnonymous, KindSession, KindPrivilegedAppPassword, KindAppPassword, KindTakendown, KindRefresh, KindAdmin, custom,
		KindOAuth, KindService, KindModerator}
	type row [11]string
	const (
		ok      = ""
		missing = "AuthMissing: Authentication Required"
		admin   = "AuthenticationRequired: Authentication Required"
		invalid = "InvalidToken: Token could not be verified"
		scheme  = "InvalidToken: Unexpected authorization type"
		scope   = "InvalidToken: Bad token scope"
		method  = "InvalidToken: Bad token method"
		forbid  = "Forbidden: Forbidden"
		scopes  = `ScopeMissingError: Missing required scope "atproto"`
		service = "BadJwtType: Service token expected"
	)
	tests := []struct {
		policy Policy
		want   row // by kinds
	}{
		{Public, row{ok, ok, ok, ok, ok, ok, ok, ok, ok, ok, ok}},
		{optionalSession, row{ok, ok, ok, ok, ok, invalid, ok, forbid, forbid, forbid, forbid}},
		{Session, row{missing, ok, ok, ok, scope, invalid, scheme, forbid, forbid, forbid, forbid}},
		{Session.OrTakendown(), row{missing, ok, ok, ok, ok, invalid, scheme, forbid, forbid, forbid, forbid}},
		{FullSession, row{missing, ok, scope, scope, scope, invalid, scheme, forbid, forbid, forbid, forbid}},
		{FullSession.OrTakendown(), row{missing, ok, scope, scope, ok, invalid, scheme, forbid, forbid, forbid, forbid}},
		{Session.Or(Admin), row{missing, ok, ok, ok, scope, invalid, ok, forbid, forbid, forbid, forbid}},
		{Refresh, row{missing, invalid, invalid, invalid, invalid, ok, missing, forbid, forbid, forbid, forbid}},
		{Refresh.OrExpired(), row{missing, invalid, invalid, invalid, invalid, ok, missing, forbid, forbid, forbid, forbid}},
		{Admin, row{admin, admin, admin, admin, admin, admin, ok, admin, admin, admin, admin}},
		{PrivilegedSession, row{missing, ok, ok, method, scope, invalid, scheme, forbid, forbid, forbid, forbid}},
		{Session.Or(Service), row{missing, ok, ok, ok, scope, invalid, scheme, forbid, forbid, ok, forbid}},
		{Session.OrTakendown().Or(Moderator), row{missing, ok, ok, ok, ok, invalid, scheme, forbid, forbid, forbid, ok}},
		{Service.Optional(), row{ok, service, service, service, service, service, service, service, service, ok, service}},
		{Admin.Or(Moderator), row{admin, admin, admin, admin, admin, admin, ok, admin, admin, admin, ok}},
		{Service, row{missing, service, service, service, service, service, service, service, service, ok, service}},
		{Moderator, row{admin, admin, admin, admin, admin, admin, admin, admin, admin, admin, ok}},
		{PrivilegedSession.Or(Service), row{missing, ok, ok, method, scope, invalid, scheme, forbid, forbid, ok, forbid}},
		{Session.OrApp().Optional(), row{ok, ok, ok, ok, scope, invalid, scheme, forbid, scopes, forbid, forbid}},
		{Policy{}.Or(Admin), row{admin, admin, admin, admin, admin, admin, ok, admin, admin, admin, admin}},
		{Admin.Or(Policy{}), row{admin, admin, admin, admin, admin, admin, ok, admin, admin, admin, admin}},
		{Session.OrApp().OrApp(IdentityPermission("*")),
			row{missing, ok, ok, ok, scope, invalid, scheme, forbid, scopes, forbid, forbid}},
		{Admin.Or(Public), row{ok, ok, ok, ok, ok, ok, ok, ok, ok, ok, ok}},
		{Policy{}.Optional().OrApp().OrTakendown().OrExpired(),
			row{forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid}},
		{Policy{}, row{forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid, forbid}},
	}
	for _, test := range tests {
		t.Run(test.policy.Name(), func(t *testing.T) {
			for i, kind := range kinds {
				got := ""
				if err := test.policy.Check(t.Context(), Caller{DID: alice, Kind: kind}, nil); err != nil {
					got = err.Error()
				}
				if got != test.want[i] {
					t.Errorf("kind %q: got %q, want %q", kind, got, test.want[i])
				}
			}
		})
	}
}

// A client must hear that its token has expired, except where tokens don't matter.
func TestPoliciesWithBadCredentials(t *testing.T) {
	for _, p := range []Policy{optionalSession, Session, Session.OrTakendown(), FullSession, FullSession.OrTakendown(), Session.Or(Admin), Refresh, Admin,
		PrivilegedSession, Session.Or(Service), Session.OrTakendown().Or(Moderator), Service.Optional(), Admin.Or(Moderator), Session.OrApp()} {
		for _, c := range []Caller{{}, {Kind: KindRefresh, DID: alice}, {Kind: KindSession, DID: alice}, {Kind: KindAdmin}} {
			if err := p.Check(t.Context(), c, ErrExpiredToken); !errors.Is(err, ErrExpiredToken) {
				t.Errorf("%s, %q: got %v, want ErrExpiredToken", p, c.Kind, err)
			}
		}
	}
	if err := Public.Check(t.Context(), Caller{}, ErrInvalidToken); err != nil {
		t.Errorf("Public: %v", err)
	}
	tests := []struct {
		caller  Caller
		authErr error
		want    error
	}{
		{Caller{Kind: KindRefresh}, ErrExpiredToken, nil},
		{Caller{Kind: KindRefresh}, ErrInvalidToken, ErrInvalidToken},
		{Caller{Kind: KindSession}, ErrExpiredToken, ErrExpiredToken},
		{Caller{}, ErrExpiredToken, ErrExpiredToken},
	}
	for _, test := range tests {
		if err := Refresh.OrExpired().Check(t.Context(), test.caller, test.authErr); !errors.Is(err, test.want) {
			t.Errorf("Refresh.OrExpired(), %q with %v: got %v, want %v", test.caller.Kind, test.authErr, err, test.want)
		}
	}
}

func TestAdmit(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	broken := AuthenticatorFunc(func(*http.Request, Credentials) (Caller, error) {
		return Caller{DID: alice, Kind: KindRefresh}, ErrExpiredToken
	})
	if c, _, err := Public.Admit(r, broken, nil); err != nil || c != (Caller{}) {
		t.Errorf("Public: got %v, %v, want an anonymous caller", c, err)
	}
	if c, _, err := Session.Unasked().Admit(r, broken, nil); !errors.Is(err, ErrExpiredToken) || c != (Caller{}) {
		t.Errorf("Session: got %v, %v, want no caller and ErrExpiredToken", c, err)
	}
	if c, _, err := Refresh.OrExpired().Unasked().Admit(r, broken, nil); err != nil || c.DID != alice {
		t.Errorf("Refresh.OrExpired(): got %v, %v, want the caller", c, err)
	}
	if !Public.IgnoresCredentials() || Session.Optional().IgnoresCredentials() {
		t.Error("Public alone ignores credentials")
	}
	asked := AuthenticatorFunc(func(*http.Request, Credentials) (Caller, error) { panic("Public asked the authenticator") })
	if _, _, err := Public.Admit(r, asked, nil); err != nil {
		t.Error(err)
	}
}

func TestPolicyFunc(t *testing.T) {
	onlyBob := PolicyFunc("OnlyBob", func(_ context.Context, c Caller) error {
		if c.DID != bob {
			return ErrForbidden
		}
		return nil
	})
	if got := onlyBob.String(); got != "OnlyBob" {
		t.Errorf("name: got %q", got)
	}
	if err := onlyBob.Check(t.Context(), Caller{DID: bob, Kind: KindSession}, nil); err != nil {
		t.Errorf("bob: %v", err)
	}
	if err := onlyBob.Check(t.Context(), Caller{}, nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("anonymous: got %v, want ErrForbidden", err)
	}
	if err := onlyBob.Check(t.Context(), Caller{DID: bob}, ErrInvalidToken); !errors.Is(err, ErrInvalidToken) {
		t.Errorf("bad credentials: got %v, want ErrInvalidToken", err)
	}
}

// If the policy that might have admitted the caller fails, the client isn't told of a refusal.
func TestOrFailure(t *testing.T) {
	lost := errors.New("connection lost")
	broken := PolicyFunc("Broken", func(context.Context, Caller) error { return lost })
	app := Caller{DID: alice, Kind: KindAppPassword}
	for _, p := range []Policy{FullSession.Or(broken), broken.Or(FullSession), broken.Or(broken)} {
		if err := p.Check(t.Context(), app, nil); !errors.Is(err, lost) {
			t.Errorf("%s: got %v", p, err)
		}
		if err := p.Check(t.Context(), app, ErrExpiredToken); !errors.Is(err, ErrExpiredToken) {
			t.Errorf("%s, expired: got %v", p, err)
		}
	}
	if err := FullSession.Or(broken).Check(t.Context(), Caller{DID: alice, Kind: KindSession}, nil); err != nil {
		t.Errorf("a caller whom the first admits: got %v", err)
	}
}
