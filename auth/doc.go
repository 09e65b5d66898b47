// Package auth says who is calling, and whether they may.
//
// An [Authenticator] turns a request's [Credentials] into a [Caller]; a [Policy] decides on the
// Caller. A request without credentials is not an error but an anonymous Caller, so it is always
// the policy that refuses:
//
//	policy := auth.Session.OrApp().In(auth.Active)
//	caller, account, err := policy.Admit(request, authenticator, accounts)
//
// [Schemes] picks one of several authenticators by the scheme of the Authorization header. Those of
// the server lie in packages of their own, which import this one:
//
//   - auth/session: the session tokens of people and apps that logged in, and app passwords
//   - auth/service: the service tokens by which accounts of other servers ask for one method
//   - auth/password: password hashes, and the operator's password
//
// A host adds its own by implementing the interface.
//
// # Standing
//
// A token is good until it expires, whatever becomes of its account. So a policy also says in what
// [Standing] the account has to be, and asks [Accounts] at each call: [Policy.In] takes [Any],
// [NotTakenDown] or [Active]; [Policy.Unasked] says that the account doesn't matter. A policy that
// says neither admits nobody, unless none of its callers has an account.
//
// # Scopes
//
// An app that came by OAuth, a Caller of [KindOAuth], may do what its token's scope allows: a
// policy admits it by [Policy.OrApp], a method asks [Caller.May] for what depends on its input. It
// doesn't matter here who issued the token.
//
// # Errors
//
// What a client is told is an [*Error] with the protocol's name, HTTP status and text. Any other error of this package
// is a failure of the server or its storage, and none of the client's business.
//
// Spec: https://atproto.com/specs/xrpc#authentication
package auth
