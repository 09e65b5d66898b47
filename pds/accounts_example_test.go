package pds_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// A user of the host gets an account, without address or password: the host signs its owner in.
func ExampleServer_CreateAccount() {
	ctx := context.Background()
	srv, _ := exampleServer(ctx)
	bob, err := srv.CreateAccount(ctx, pds.NewAccount{Handle: "bob.pds.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := srv.SignIn(ctx, bob)
	if err != nil {
		log.Fatal(err)
	}
	session := get(srv, "/xrpc/com.atproto.server.getSession", tokens.Access)
	fmt.Println(strings.Contains(session, `"handle":"bob.pds.example.com"`))

	_, err = srv.CreateAccount(ctx, pds.NewAccount{Handle: "alice.pds.example.com"}) // there is one already
	var refused *xrpc.Error
	fmt.Println(errors.As(err, &refused), refused.Name)
	// Output:
	// true
	// true HandleNotAvailable
}

// A user leaves the host, and takes nothing along that could stay.
func ExampleServer_DeleteAccount() {
	ctx := context.Background()
	srv, did := exampleServer(ctx)
	if err := srv.DeleteAccount(ctx, did); err != nil {
		log.Fatal(err)
	}
	_, err := srv.SignIn(ctx, did)
	fmt.Println(errors.Is(err, auth.ErrAccountNotFound))
	// Output: true
}

// Letters go out by whatever the host sends its mail with.
func ExampleMailer() {
	ctx := context.Background()
	srv, _ := exampleServer(ctx, func(c *pds.Config) {
		c.Mailer = pds.MailerFunc(func(_ context.Context, m pds.Mail) error {
			fmt.Printf("to %s: %s\n", m.To, m.Subject)
			return nil
		})
	})
	bob, err := srv.CreateAccount(ctx, pds.NewAccount{Handle: "bob.pds.example.com", Email: "bob@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := srv.SignIn(ctx, bob)
	if err != nil {
		log.Fatal(err)
	}
	ask(srv, "POST", "/xrpc/com.atproto.server.requestEmailConfirmation", tokens.Access, "")
	// Output: to bob@example.com: Confirm your e-mail address
}

// People whom the host has logged in already are callers of the protocol's methods, too. See the program examples/sso.
func ExampleConfig_authenticators() {
	ctx := context.Background()
	accounts := map[string]syntax.DID{} // by the host's sessions
	byCookie := auth.AuthenticatorFunc(func(r *http.Request, _ auth.Credentials) (auth.Caller, error) {
		cookie, err := r.Cookie("__Host-session")
		if err != nil {
			return auth.Caller{}, nil // anonymous
		}
		did, ok := accounts[cookie.Value]
		if !ok {
			return auth.Caller{}, auth.ErrExpiredToken
		}
		return auth.Caller{Kind: auth.KindSession, DID: did}, nil
	})
	// A host that is on the web lets no other site make a browser send the cookie: see http.CrossOriginProtection.
	srv, did := exampleServer(ctx, func(c *pds.Config) { c.Authenticators = auth.Schemes{"": byCookie} })
	accounts["alice's"] = did

	for _, value := range []string{"alice's", "nobody's"} {
		r := httptest.NewRequest("GET", "/xrpc/com.atproto.server.getSession", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: value})
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 400
}

// Hooks are asked about requests before anything is written.
func ExampleHooks() {
	ctx := context.Background()
	srv, did := exampleServer(ctx, func(c *pds.Config) {
		c.Hooks = pds.Hooks{
			BeforeAccount: func(context.Context, pds.SignUp) error {
				return xrpc.InvalidRequest("Join the service, and the account comes with it")
			},
			BeforeWrite: func(_ context.Context, r pds.WriteRequest) error {
				for _, w := range r.Writes {
					if w.Collection == "com.example.badge" {
						return auth.ErrForbidden // badges are the host's to give
					}
				}
				return nil
			},
			Measure: func(_ context.Context, m xrpc.Measurement) { fmt.Println("measured:", m.Method, m.Status) },
		}
	})
	tokens, err := srv.SignIn(ctx, did)
	if err != nil {
		log.Fatal(err)
	}
	badge := map[string]any{"of": "honour"}

	fmt.Println(ask(srv, "POST", "/xrpc/com.atproto.server.createAccount", "",
		`{"handle":"bob.pds.example.com","email":"bob@example.com","password":"bob-password"}`))
	fmt.Println(ask(srv, "POST", "/xrpc/com.atproto.repo.createRecord", tokens.Access,
		`{"repo":"`+did.String()+`","collection":"com.example.badge","record":{"of":"honour"}}`))
	_, _, err = srv.Repo(did).Put(ctx, "com.example.badge", "", badge) // no hook is asked about what the host does
	fmt.Println("the host's:", err)
	// Output:
	// measured: com.atproto.server.createAccount 400
	// {"error":"InvalidRequest","message":"Join the service, and the account comes with it"}
	// measured: com.atproto.repo.createRecord 403
	// {"error":"Forbidden","message":"Forbidden"}
	// the host's: <nil>
}
