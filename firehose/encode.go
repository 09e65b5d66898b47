package firehose

import (
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// IdentityEvent makes the #identity event that tells of a new handle or DID document. The handle is "" if there is none
// that resolves.
func IdentityEvent(did syntax.DID, handle syntax.Handle, at time.Time) (storage.Event, error) {
	body, err := data.IdentityBody(did, handle, at)
	return storage.Event{DID: did, Kind: storage.EventIdentity, Time: at, Body: body}, err
}

// AccountEvent makes the #account event that tells of an account's status.
func AccountEvent(did syntax.DID, status storage.AccountStatus, at time.Time) (storage.Event, error) {
	body, err := data.AccountBody(did, string(status), at)
	return storage.Event{DID: did, Kind: storage.EventAccount, Time: at, Body: body}, err
}
