// Package hosting is the ground floor of pds/internal: the accounts of this server, who they are, whether they stand,
// and what the network is told when that changes. It is the only package there that the others may import.
//
// [Accounts] has what more than one domain needs of accounts: to find one, to say who may read its repo, to change its
// status or delete it with the events that tell of it, to keep a handle for one that is about to have it. What a policy
// asks of a caller's account, it answers, too: it is the auth.Accounts of the server's mux.
//
// errors.go says what clients are told of the errors of the packages below.
package hosting
