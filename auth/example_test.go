package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage/memory"
)

func newSessions() *auth.Sessions {
	sessions, err := auth.NewSessions(auth.SessionsConfig{
		Store:    memory.New(),
		Secret:   []byte("an example's secret isn't secret"),
		Audience: "did:web:pds.example.com",
	})
	if err != nil {
		panic(err)
	}
	return sessions
}

func ExamplePolicy_Admit() {
	sessions := newSessions()
	tokens, err := sessions.Create(context.Background(), "did:plc:ewvi7nxzyoun6zhxrhs64oiz", auth.ScopeAppPass, "phone")
	if err != nil {
		panic(err)
	}
	authenticator := auth.Schemes{"Bearer": sessions, "Basic": auth.AdminPassword("hunter2")}

	request := httptest.NewRequest("POST", "/xrpc/com.atproto.repo.createRecord", nil)
	request.Header.Set("Authorization", "Bearer "+tokens.Access)
	for _, policy := range []auth.Policy{auth.Public, auth.Session, auth.FullSession, auth.Refresh, auth.Admin} {
		caller, err := policy.Admit(request, authenticator)
		fmt.Printf("%-11s  %q %v\n", policy, caller.DID, err)
	}
	// Output:
	// Public       "" <nil>
	// Session      "did:plc:ewvi7nxzyoun6zhxrhs64oiz" <nil>
	// FullSession  "" InvalidToken: Bad token scope
	// Refresh      "" InvalidToken: Token could not be verified
	// Admin        "" AuthenticationRequired: Authentication Required
}

// A host's own credentials and its own policy.
func ExamplePolicyFunc() {
	type employee struct{ department string }
	badges := auth.AuthenticatorFunc(func(r *http.Request) (auth.Caller, error) {
		return auth.Caller{Kind: "employee", Extra: employee{r.Header.Get("X-Department")}}, nil
	})
	support := auth.PolicyFunc("Support", func(_ context.Context, c auth.Caller) error {
		if e, ok := c.Extra.(employee); !ok || e.department != "support" {
			return auth.ErrForbidden
		}
		return nil
	})

	request := httptest.NewRequest("GET", "/xrpc/com.example.support.listTickets", nil)
	_, err := support.Admit(request, badges)
	fmt.Println(err)
	request.Header.Set("X-Department", "support")
	_, err = support.Admit(request, badges)
	fmt.Println(err)
	// Output:
	// Forbidden: Forbidden
	// <nil>
}

func ExampleSessions_Refresh() {
	ctx := context.Background()
	sessions := newSessions()
	first, err := sessions.Create(ctx, "did:plc:ewvi7nxzyoun6zhxrhs64oiz", auth.ScopeAccess, "")
	if err != nil {
		panic(err)
	}
	second, did, err := sessions.Refresh(ctx, first.Refresh)
	fmt.Println(did, err)

	// The answer was lost on its way to the client, who tries again.
	again, _, err := sessions.Refresh(ctx, first.Refresh)
	fmt.Println(again.Refresh == second.Refresh, err)

	if err := sessions.Revoke(ctx, second.Refresh); err != nil {
		panic(err)
	}
	_, _, err = sessions.Refresh(ctx, second.Refresh)
	fmt.Println(err, errors.Is(err, auth.ErrExpiredToken))
	// Output:
	// did:plc:ewvi7nxzyoun6zhxrhs64oiz <nil>
	// true <nil>
	// ExpiredToken: Token has been revoked true
}

// A user of a host is logged out everywhere. The sessions of a pds.Server are those of its Store, TokenSecret and DID.
func ExampleSessions_RevokeAll() {
	ctx := context.Background()
	const did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	sessions := newSessions()
	for _, appPassword := range []string{"phone", "tablet"} {
		if _, err := sessions.Create(ctx, did, auth.ScopeAppPass, appPassword); err != nil {
			panic(err)
		}
	}
	count := func() (n int) {
		for _, err := range sessions.List(ctx, did) {
			if err != nil {
				panic(err)
			}
			n++
		}
		return n
	}
	fmt.Println(count())
	fmt.Println(sessions.RevokeAll(ctx, did))
	fmt.Println(count())
	// Output:
	// 2
	// <nil>
	// 0
}

// Hashes that come from elsewhere.
func ExampleCheckPasswordHash() {
	for _, hash := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", // bcrypt's
	} {
		fmt.Println(auth.CheckPasswordHash(hash))
	}
	// Output:
	// <nil>
	// auth: unknown form of password hash
}

func ExampleVerifyPassword() {
	ctx := context.Background()
	hash, err := auth.HashPassword(ctx, "correct horse battery staple")
	if err != nil {
		panic(err)
	}
	ok, rehash, err := auth.VerifyPassword(ctx, hash, "correct horse battery staple")
	fmt.Println(ok, rehash, err)
	ok, rehash, err = auth.VerifyPassword(ctx, hash, "Tr0ub4dor&3")
	fmt.Println(ok, rehash, err)
	// Output:
	// true false <nil>
	// false false <nil>
}

// An app logs in by a password of its own, until its owner takes it back.
func ExampleAppPasswords() {
	ctx := context.Background()
	const did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	apps := auth.AppPasswords{Store: memory.New(), Now: time.Now}
	password, _, err := apps.Create(ctx, did, "phone", false)
	if err != nil {
		panic(err)
	}

	app, err := apps.Find(ctx, did, password)
	fmt.Println(app.Name, app.Scope(), err)
	apps.Delete(ctx, did, "phone")
	_, err = apps.Find(ctx, did, password)
	fmt.Println(errors.Is(err, auth.ErrInvalidLogin))
	// Output:
	// phone com.atproto.appPass <nil>
	// true
}
