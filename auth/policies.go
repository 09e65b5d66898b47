package auth

import (
	"net/http"
)

// The policies that others are made of, by [Policy.Or], [Policy.OrApp], [Policy.OrTakendown],
// [Policy.OrExpired] and [Policy.Optional]:
//
//	auth.Session.OrApp(auth.RepoPermission("com.example.note", "create")).In(auth.Active)
//
// Each of them but [Public] refuses a request with bad credentials, also where it would admit one
// with none: a client whose token has expired has to learn of it, or it would take the anonymous
// answer for its own.
var (
	// Public admits everybody, as anonymous. It doesn't look at credentials, so a public read works
	// for clients that send an old token along with everything.
	Public = Policy{name: "Public", public: true}

	// Session admits access tokens, those of app passwords too.
	Session = ofKind("Session", refuseSession, KindSession, KindPrivilegedAppPassword, KindAppPassword)

	// FullSession admits access tokens of those who logged in with the account's own password.
	FullSession = ofKind("FullSession", refuseSession, KindSession)

	// PrivilegedSession admits access tokens of those who logged in with the account's own password
	// or with a privileged app password. See [Caller.Privileged].
	PrivilegedSession = ofKind("PrivilegedSession", refusePrivileged, KindSession, KindPrivilegedAppPassword)

	// Refresh admits refresh tokens. It doesn't look whether their session still exists: package
	// session does, when it refreshes or ends one.
	Refresh = ofKind("Refresh", refuseRefresh, KindRefresh)

	// Service admits the bearer of a service token for the method. Its account may be another
	// server's; only a policy with a standing asks for one that is here.
	Service = ofKind("Service", refuseService, KindService)

	// Moderator admits a service that moderates the server. It has no account here.
	Moderator = ofKind("Moderator", refuseStaff, KindModerator).withoutAccount()

	// Admin admits the operator, who has no account.
	Admin = ofKind("Admin", refuseStaff, KindAdmin).withoutAccount()
)

// refuseSession is what a caller is told who lacks an access token, or has the wrong one.
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

// refuseRefresh is what a caller is told who lacks a refresh token.
func refuseRefresh(k Kind) *Error {
	switch k {
	case KindAnonymous, KindAdmin:
		return ErrAuthMissing
	case KindSession, KindPrivilegedAppPassword, KindAppPassword, KindTakendown:
		return ErrInvalidToken
	}
	return ErrForbidden
}

// refuseService is what a caller is told who lacks a service token.
func refuseService(k Kind) *Error {
	if k == KindAnonymous {
		return ErrAuthMissing
	}
	return newError(http.StatusUnauthorized, "BadJwtType", "Service token expected")
}

// refuseStaff is what everybody is told who doesn't run or moderate the server.
func refuseStaff(Kind) *Error { return ErrAuthRequired }
