// Package identity finds out who somebody is, and says who the accounts of this server are.
//
//   - [Directory] resolves DIDs and handles: those of the server's own accounts by asking [LocalAccounts], all others
//     over the network. It is an indigo identity.Directory with a cache.
//   - [NewGuardedClient] returns the HTTP client for URLs that somebody else chose, for all of the server: it reaches
//     no private address, and its answers have limits.
//   - [Registrar] creates and updates the DIDs of accounts, in steps that can be taken again after a crash.
//     [PLCRegistrar] does so in a PLC directory; package plc has what that takes, and such a directory.
//   - [HandleRules] says which handles this server gives.
//
// Errors of resolution are those of indigo's package atproto/identity: ErrHandleNotFound, ErrHandleMismatch,
// ErrDIDNotFound and so on.
//
// Spec: https://atproto.com/specs/did, https://atproto.com/specs/handle
package identity
