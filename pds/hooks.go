package pds

import (
	"context"
	"net/http"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/account"
	"github.com/pdskit/pdskit/pds/internal/record"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
)

// Hooks ask the host about requests, before anything is written. Each may be nil, and may be called
// from many goroutines at once. A hook refuses by returning an error: an *xrpc.Error is what the
// client is told, any other is logged and answered as an internal error. The context is the
// request's.
//
// What the host does itself, by [Server.CreateAccount], [Server.Repo] and so on, hooks aren't asked
// about. Of what has happened no hook is told: that is what [Server.Events] is for, which misses
// nothing.
type Hooks struct {
	// BeforeAccount is asked about an account that is to be made, when the request is in order. Whether the handle and the
	// address are free turns out after it.
	BeforeAccount func(ctx context.Context, s SignUp) error

	// BeforeWrite is asked about records that are to be written in one commit. They keep to their lexicons. It isn't asked
	// about the records of a repo that is imported; see Config.MaxImport.
	BeforeWrite func(ctx context.Context, r WriteRequest) error

	// BeforeUpload is asked about a blob, before its bytes are read.
	BeforeUpload func(ctx context.Context, u Upload) error

	// HandleAllowed is asked about a handle that an account wants, at its making and at every change.
	HandleAllowed func(ctx context.Context, h syntax.Handle) error

	// Measure is told of every request that has been answered, and of every subscription that has ended.
	Measure func(ctx context.Context, m xrpc.Measurement)
}

// SignUp is a request for an account.
type SignUp struct {
	DID        syntax.DID // that the account brings along from elsewhere; "" for a new one
	Handle     syntax.Handle
	Email      string
	InviteCode string        // as it was given
	Request    *http.Request // whose body has been read
}

// WriteRequest is a request to write records, in one commit.
type WriteRequest struct {
	Caller auth.Caller
	DID    syntax.DID // whose repo it is
	Writes []Write    // with record keys, also where the client has given none
}

// Upload is a request to store a blob.
type Upload struct {
	Caller   auth.Caller
	MIMEType string // as the client says
	Size     int64  // in bytes, as the client says; -1 if it doesn't
}

// The rest fits hooks to what the packages of the methods ask for. A nil hook stays nil.

func (h *Hooks) signUp() func(context.Context, account.SignUp) error {
	if h.BeforeAccount == nil {
		return nil
	}
	return func(ctx context.Context, s account.SignUp) error { return h.BeforeAccount(ctx, SignUp(s)) }
}

func (h *Hooks) write() func(context.Context, auth.Caller, syntax.DID, []record.Write) error {
	if h.BeforeWrite == nil {
		return nil
	}
	return func(ctx context.Context, caller auth.Caller, did syntax.DID, writes []record.Write) error {
		r := WriteRequest{Caller: caller, DID: did, Writes: make([]Write, len(writes))}
		for i, w := range writes {
			r.Writes[i] = Write{Action: w.Action, Collection: w.Collection, RecordKey: w.RecordKey, Swap: w.Swap}
			if w.Action != repo.Delete {
				r.Writes[i].Value = w.Value
			}
		}
		return h.BeforeWrite(ctx, r)
	}
}

func (h *Hooks) upload() func(context.Context, auth.Caller, string, int64) error {
	if h.BeforeUpload == nil {
		return nil
	}
	return func(ctx context.Context, caller auth.Caller, mimeType string, size int64) error {
		return h.BeforeUpload(ctx, Upload{Caller: caller, MIMEType: mimeType, Size: size})
	}
}
