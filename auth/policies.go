package auth

import (
	"context"
	"errors"
	"net/http"
)

// The policies of the server's own methods.
//
// A request with bad credentials is refused by each of them but [Public], also where it would be admitted with none:
// a client whose token has expired must hear of it, or it would take the anonymous answer for its own.
//
// They look at credentials, not at accounts: until an access token expires, it is good for an account, too, that has been
// taken down, deactivated or deleted meanwhile. A method to which that matters looks at the account's status. Writing by
// a pds.Repo does.
var (
	// Public admits everybody, as anonymous. It doesn't look at credentials, so that a public read works for clients that
	// send an old token along with everything.
	Public = Policy{name: "Public", public: true}

	// OptionalSession admits anonymous callers, access tokens of every kind, and the operator. The method answers each
	// what they may see.
	OptionalSession = ofKind("OptionalSession", refuseSession, KindAnonymous, KindSession, KindPrivilegedAppPassword,
		KindAppPassword, KindTakendown, KindAdmin)

	// Session admits access tokens, those of app passwords too.
	Session = ofKind("Session", refuseSession, KindSession, KindPrivilegedAppPassword, KindAppPassword)

	// SessionOrTakendown is [Session], and admits accounts that are taken down.
	SessionOrTakendown = ofKind("SessionOrTakendown", refuseSession, KindSession, KindPrivilegedAppPassword,
		KindAppPassword, KindTakendown)

	// FullSession admits access tokens of those who logged in with the account's own password.
	FullSession = ofKind("FullSession", refuseSession, KindSession)

	// FullSessionOrTakendown is [FullSession], and admits accounts that are taken down.
	FullSessionOrTakendown = ofKind("FullSessionOrTakendown", refuseSession, KindSession, KindTakendown)

	// SessionOrAdmin is [Session], and admits the operator, who has no DID.
	SessionOrAdmin = ofKind("SessionOrAdmin", refuseSession, KindSession, KindPrivilegedAppPassword, KindAppPassword,
		KindAdmin)

	// Refresh admits refresh tokens. Whether their session still exists, package session finds out.
	Refresh = ofKind("Refresh", refuseRefresh, KindRefresh)

	// RefreshExpired is [Refresh], and admits refresh tokens that have expired: one can always log out.
	RefreshExpired = Policy{name: "RefreshExpired", decide: refreshExpired}

	// PrivilegedSession admits access tokens of those who logged in with the account's own password or with an app
	// password that is privileged. See [Caller.Privileged].
	PrivilegedSession = ofKind("PrivilegedSession", refusePrivileged, KindSession, KindPrivilegedAppPassword)

	// SessionOrService is [Session], and admits the bearer of a service token for the method.
	SessionOrService = ofKind("SessionOrService", refuseSession, KindSession, KindPrivilegedAppPassword,
		KindAppPassword, KindService)

	// SessionOrModerator is [SessionOrTakendown], and admits a service that moderates the server.
	SessionOrModerator = ofKind("SessionOrModerator", refuseSession, KindSession, KindPrivilegedAppPassword,
		KindAppPassword, KindTakendown, KindModerator)

	// OptionalService admits anonymous callers and the bearer of a service token for the method.
	OptionalService = ofKind("OptionalService", func(Kind) *Error {
		return newError(http.StatusUnauthorized, "BadJwtType", "Service token expected")
	}, KindAnonymous, KindService)

	// Moderator admits the operator, and a service that moderates the server.
	Moderator = ofKind("Moderator", func(Kind) *Error { return ErrAuthRequired }, KindAdmin, KindModerator)

	// Admin admits the operator.
	Admin = ofKind("Admin", func(Kind) *Error { return ErrAuthRequired }, KindAdmin)
)

func refreshExpired(ctx context.Context, c Caller, authErr error) error {
	if c.Kind == KindRefresh && errors.Is(authErr, ErrExpiredToken) {
		authErr = nil
	}
	return Refresh.decide(ctx, c, authErr)
}

// refuseSession is what somebody hears who lacks an access token, or has the wrong one.
func refuseSession(k Kind) *Error {
	switch k {
	case KindAnonymous:
		return ErrAuthMissing
	case KindRefresh:
		return ErrInvalidToken
	case KindAdmin:
		return ErrInvalidToken.With("Unexpected authorization type")
	case KindSession, KindPrivilegedAppPassword, KindAppPassword, KindTakendown:
		return ErrInvalidToken.With("Bad token scope")
	}
	return ErrForbidden
}

// refusePrivileged is refuseSession where it is the method that is too much for the token.
func refusePrivileged(k Kind) *Error {
	if k == KindAppPassword {
		return ErrInvalidToken.With("Bad token method")
	}
	return refuseSession(k)
}

// refuseRefresh is what somebody hears who lacks a refresh token.
func refuseRefresh(k Kind) *Error {
	switch k {
	case KindAnonymous, KindAdmin:
		return ErrAuthMissing
	case KindSession, KindPrivilegedAppPassword, KindAppPassword, KindTakendown:
		return ErrInvalidToken
	}
	return ErrForbidden
}
