package session_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage/memory"
)

func newSessions() *session.Issuer {
	sessions, err := session.New(session.Config{
		Store:    memory.New(),
		Secret:   []byte("an example's secret isn't secret"),
		Audience: "did:web:pds.example.com",
	})
	if err != nil {
		panic(err)
	}
	return sessions
}

func ExampleIssuer_Refresh() {
	ctx := context.Background()
	sessions := newSessions()
	first, err := sessions.Create(ctx, "did:plc:ewvi7nxzyoun6zhxrhs64oiz", session.ScopeAccess, "")
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

// A user of a host is logged out everywhere. The sessions of a pds.Server are those of its Store,
// TokenSecret and DID.
func ExampleIssuer_RevokeAll() {
	ctx := context.Background()
	const did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	sessions := newSessions()
	for _, appPassword := range []string{"phone", "tablet"} {
		if _, err := sessions.Create(ctx, did, session.ScopeAppPass, appPassword); err != nil {
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

// An app logs in by a password of its own, until its owner takes it back.
func ExampleAppPasswords() {
	ctx := context.Background()
	const did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	apps := session.AppPasswords{Store: memory.New(), Now: time.Now}
	password, _, err := apps.Create(ctx, did, "phone", false)
	if err != nil {
		panic(err)
	}

	app, err := apps.Find(ctx, did, password)
	fmt.Println(app.Name, app.Scope(), err)
	apps.Delete(ctx, did, "phone")
	_, err = apps.Find(ctx, did, password)
	fmt.Println(errors.Is(err, session.ErrInvalidLogin))
	// Output:
	// phone com.atproto.appPass <nil>
	// true
}
