// Package auth says who is calling, and whether they may.
//
// An [Authenticator] turns a request into a [Caller]; a [Policy] decides on the Caller. A request without credentials
// is not an error but an anonymous Caller, so that it is always the policy that refuses:
//
//	caller, err := auth.Session.Admit(request, authenticator)
//
// These authenticators are here: [Sessions] knows the session tokens of com.atproto.server.createSession, [ServiceAuth]
// the service tokens by which accounts of other servers ask for one method, [AdminPassword] the server's operator, and
// [Schemes] picks one of several by the scheme of the Authorization header. A host adds its own by implementing the
// interface.
//
// # Sessions
//
// A session is a pair of tokens. The access token is stateless and lives for hours; nothing but time ends it. The
// refresh token lives for months, is exchanged for a new pair at each use, and is backed by one row in
// [storage.Tokens], so that a session can be revoked. Tokens have the form of those of the reference server: given its
// secret and, through [Sessions.Import], its rows, a server takes over with everybody still logged in.
//
// # Service tokens
//
// A [ServiceToken] says to another server that an account asks it for a method, signed with the account's key.
// [ServiceAuth] checks those that come in: issuer, audience, method and time, and that each is used once.
//
// # Scopes
//
// An app that came by OAuth, a Caller of [KindOAuth], may do what its token's scope allows: a policy admits it by
// [Policy.OrApp], a method asks [Caller.May] for what depends on its input. Whose token it is that carries the scope
// doesn't matter here.
//
// # Passwords
//
// [HashPassword] and [VerifyPassword] hash with argon2id and also verify the reference server's scrypt hashes. App passwords
// are random, so that one derivation, [HashAppPassword], finds them among all those of an account.
//
// # Errors
//
// What a client is told is an [*Error] with the protocol's name, HTTP status and text. Any other error of this package
// is a failure of the server or its storage, and none of the client's business.
//
// Spec: https://atproto.com/specs/xrpc#authentication
package auth
