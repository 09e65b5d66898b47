package auth

import (
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Kind says what a [Caller] has shown.
type Kind string

const (
	// KindAnonymous is a caller without credentials.
	KindAnonymous Kind = ""

	// KindSession is a session of somebody who logged in with the account's own password. It may do everything that the
	// account may.
	KindSession Kind = "session"

	// KindAppPassword is a session of an app password, which manages no account and reads no private messages.
	KindAppPassword Kind = "app password"

	// KindPrivilegedAppPassword is a session of an app password that may also read and write private messages.
	KindPrivilegedAppPassword Kind = "privileged app password"

	// KindTakendown is a session of an account that is taken down: good for appeal, export and departure.
	KindTakendown Kind = "takendown session"

	// KindRefresh is the bearer of a refresh token, which is good for refreshing and for ending its session only.
	KindRefresh Kind = "refresh token"

	// KindOAuth is an app that somebody has let act for them, within its token's scope. See [Caller.May].
	KindOAuth Kind = "oauth"

	// KindService is an account of any server, or a service, that asks for one method by a service token.
	KindService Kind = "service"

	// KindModerator is a service that moderates the server, and asks for one method by a service token.
	KindModerator Kind = "moderator"

	// KindAdmin is the operator of the server. It has no DID.
	KindAdmin Kind = "admin"
)

// Caller is who makes a request. The zero value is anonymous.
type Caller struct {
	// DID is the account that the caller acts for, "" if Kind is [KindAnonymous] or [KindAdmin].
	DID syntax.DID

	Kind Kind

	// Scope is the scope claim of the caller's token, "" without one.
	Scope Scope

	// TokenID is the ID of the caller's token, "" if it has none, as access tokens have.
	TokenID string

	// Extra is whatever a host's own [Authenticator] attaches for the host's own policies and methods. Nothing in this
	// library reads it.
	Extra any
}

// Privileged reports whether the caller may do what needs the account's own password or a privileged app password.
func (c Caller) Privileged() bool {
	return c.Kind == KindSession || c.Kind == KindPrivilegedAppPassword
}

// Authenticator finds out who makes a request.
type Authenticator interface {
	// Authenticate returns the caller who has shown credentials, which are those of the request's
	// Authorization header. A request without credentials has the zero Caller and no error; one
	// whose credentials are bad has an error, an [*Error] unless the server itself failed.
	//
	// The Caller beside an error says nothing, with one exception: beside [ErrExpiredToken], a Caller of [KindRefresh]
	// is the one for whom the token was good until it expired. See [Policy.OrExpired].
	Authenticate(r *http.Request, c Credentials) (Caller, error)
}

// AuthenticatorFunc is a function that is an [Authenticator].
type AuthenticatorFunc func(r *http.Request, c Credentials) (Caller, error)

// Authenticate calls f.
func (f AuthenticatorFunc) Authenticate(r *http.Request, c Credentials) (Caller, error) {
	return f(r, c)
}
