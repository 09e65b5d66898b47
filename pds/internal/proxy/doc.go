// Package proxy passes requests on to other services, on behalf of the accounts that make them.
//
// A request for a method that the server doesn't have goes to the service that the header Atproto-Proxy names, or to the
// one that the operator has set for its namespace. It carries a service token, signed by the account, in place of the
// credentials; of the headers just those on a list go along, either way. Bodies are streamed both ways, in bounded memory,
// and end when nothing flows for a while. A service that a client has named is reached through a guarded client.
//
// A request for a record of a repo that isn't here goes to the service that the operator has set for that, as anybody's.
//
// Answers to some queries are patched on their way back: see package patch.
package proxy
