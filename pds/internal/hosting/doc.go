// Package hosting is the ground floor of pds/internal: who the accounts of this server are, in what
// standing they are, and what the network is told when that changes. It is the only package of
// pds/internal that the others may import.
//
// [Accounts] does what more than one domain needs: it says who may read an account's repo, changes
// an account's status or deletes it, with the events that tell of it, and reserves handles and
// addresses. It is also the auth.Accounts of the server's mux, which asks it about the callers'
// accounts.
//
// errors.go translates the errors of the packages below to those that clients are told.
package hosting
