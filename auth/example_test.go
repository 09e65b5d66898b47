package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage/memory"
)

func ExamplePolicy_Admit() {
	sessions, err := session.New(session.Config{
		Store:    memory.New(),
		Secret:   []byte("an example's secret isn't secret"),
		Audience: "did:web:pds.example.com",
	})
	if err != nil {
		panic(err)
	}
	tokens, err := sessions.Create(context.Background(), "did:plc:ewvi7nxzyoun6zhxrhs64oiz", session.ScopeAppPass, "phone")
	if err != nil {
		panic(err)
	}
	authenticator := auth.Schemes{"Bearer": sessions, "Basic": password.Admin("hunter2")}

	request := httptest.NewRequest("POST", "/xrpc/com.atproto.repo.createRecord", nil)
	request.Header.Set("Authorization", "Bearer "+tokens.Access)
	for _, policy := range []auth.Policy{auth.Public, auth.Session, auth.FullSession, auth.Refresh, auth.Admin} {
		caller, _, err := policy.Unasked().Admit(request, authenticator, nil)
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
	badges := auth.AuthenticatorFunc(func(r *http.Request, _ auth.Credentials) (auth.Caller, error) {
		return auth.Caller{Kind: "employee", Extra: employee{r.Header.Get("X-Department")}}, nil
	})
	support := auth.PolicyFunc("Support", func(_ context.Context, c auth.Caller) error {
		if e, ok := c.Extra.(employee); !ok || e.department != "support" {
			return auth.ErrForbidden
		}
		return nil
	}).Unasked()

	request := httptest.NewRequest("GET", "/xrpc/com.example.support.listTickets", nil)
	_, _, err := support.Admit(request, badges, nil)
	fmt.Println(err)
	request.Header.Set("X-Department", "support")
	_, _, err = support.Admit(request, badges, nil)
	fmt.Println(err)
	// Output:
	// Forbidden: Forbidden
	// <nil>
}

// What an app may do that somebody has let act for them.
func ExampleScope() {
	scope := auth.Scope("atproto repo:com.example.note?action=create blob:image/*")
	for _, p := range []auth.Permission{
		auth.RepoPermission("com.example.note", "create"),
		auth.RepoPermission("com.example.note", "delete"),
		auth.BlobPermission("image/png"),
		auth.CallPermission("com.example.notes.list", "did:web:notes.example.com#notes"),
	} {
		fmt.Println(scope.Allows(p), p)
	}
	// Output:
	// true repo:com.example.note?action=create
	// false repo:com.example.note?action=delete
	// true blob:image/png
	// false rpc:com.example.notes.list?aud=did%3Aweb%3Anotes.example.com%23notes
}

// A method for people who are logged in, and for apps that may create notes.
func ExamplePolicy_OrApp() {
	policy := auth.Session.OrApp(auth.RepoPermission("com.example.note", "create"))
	for _, caller := range []auth.Caller{
		{Kind: auth.KindSession, DID: "did:web:alice.example.com"},
		{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto repo:com.example.note"},
		{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto"},
		{},
	} {
		fmt.Println(policy.Check(context.Background(), caller, nil))
	}
	// Output:
	// <nil>
	// <nil>
	// ScopeMissingError: Missing required scope "repo:com.example.note?action=create"
	// AuthMissing: Authentication Required
}

// A method that is told what to write by its input asks what the app may write.
func ExampleCaller_May() {
	app := auth.Caller{Kind: auth.KindOAuth, DID: "did:web:alice.example.com", Scope: "atproto repo:com.example.note"}
	for _, collection := range []string{"com.example.note", "com.example.diary"} {
		fmt.Println(app.May(auth.RepoPermission(syntax.NSID(collection), "create")))
	}
	// Output:
	// <nil>
	// ScopeMissingError: Missing required scope "repo:com.example.diary?action=create"
}
