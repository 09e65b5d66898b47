// Package session has the sessions of people and apps that logged in: their tokens, and the app
// passwords that apps log in with.
//
// A session is a pair of tokens, which an [Issuer] makes. The access token is stateless and lives
// for hours; nothing but time ends it. The refresh token lives for months, is exchanged for a new
// pair at each use, and is backed by one row in [storage.Documents], so that a session can be
// revoked. Tokens have the form of those of the reference server: with its secret and, through
// [Issuer.Import], its rows, a server takes over with everybody still logged in.
//
// An app password lets an app log in without the account's own password. App passwords are random,
// so one derivation finds a password among all those of an account.
//
// Spec: https://atproto.com/specs/xrpc#authentication
package session
