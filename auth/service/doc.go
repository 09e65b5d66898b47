// Package service has service tokens, by which an account asks another server, or a service, for
// one method.
//
// A [Token] is signed with the account's key. A [Verifier] checks the tokens that come in: issuer,
// audience, method and time, and that each is used once. [Protected] and [Privileged] say which
// methods no token may name, and which only some callers may have one for.
//
// Spec: https://atproto.com/specs/xrpc#inter-service-authentication-jwt
package service
