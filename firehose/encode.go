package firehose

import (
	"bytes"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/storage"
)

// IdentityEvent makes the #identity event that tells of a new handle or DID document. The handle is "" if there is none
// that resolves.
func IdentityEvent(did syntax.DID, handle syntax.Handle, at time.Time) (storage.Event, error) {
	body := &comatproto.SyncSubscribeRepos_Identity{Did: did.String(), Time: timestamp(at)}
	if handle != "" {
		h := handle.String()
		body.Handle = &h
	}
	return encode(storage.EventIdentity, did, at, body)
}

// AccountEvent makes the #account event that tells of an account's status.
func AccountEvent(did syntax.DID, status storage.AccountStatus, at time.Time) (storage.Event, error) {
	body := &comatproto.SyncSubscribeRepos_Account{
		Did: did.String(), Active: status == storage.StatusActive, Time: timestamp(at),
	}
	if !body.Active {
		s := string(status)
		body.Status = &s
	}
	return encode(storage.EventAccount, did, at, body)
}

func encode(kind storage.EventKind, did syntax.DID, at time.Time, body cbg.CBORMarshaler) (storage.Event, error) {
	var buf bytes.Buffer
	err := body.MarshalCBOR(&buf)
	return storage.Event{DID: did, Kind: kind, Time: at, Body: buf.Bytes()}, err
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
