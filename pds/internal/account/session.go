package account

import (
	"context"
	"encoding/json"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/storage"
)

// newSession is a session that has begun, or goes on under new tokens.
type newSession struct {
	AccessJWT  string `json:"accessJwt"`
	RefreshJWT string `json:"refreshJwt"`
	sessionView
}

// sessionView is what the session methods tell of an account.
type sessionView struct {
	Handle         syntax.Handle         `json:"handle"`
	DID            syntax.DID            `json:"did"`
	DIDDoc         json.RawMessage       `json:"didDoc,omitempty"`
	Email          string                `json:"email,omitempty"`
	EmailConfirmed *bool                 `json:"emailConfirmed,omitempty"` // nil if the caller isn't to know
	Active         bool                  `json:"active"`
	Status         storage.AccountStatus `json:"status,omitempty"`
}

func (h *Handler) session(ctx context.Context, a storage.Account, t session.Tokens) *newSession {
	return &newSession{t.Access, t.Refresh, *h.view(ctx, a)}
}

func (h *Handler) view(ctx context.Context, a storage.Account) *sessionView {
	confirmed := !a.EmailConfirmedAt.IsZero()
	v := &sessionView{
		Handle:         a.Handle,
		DID:            a.DID,
		DIDDoc:         h.document(ctx, a.DID),
		Email:          a.Email,
		EmailConfirmed: &confirmed,
		Status:         a.Status(),
	}
	v.Active = v.Status == storage.StatusActive
	if v.Handle == "" {
		v.Handle = syntax.HandleInvalid
	}
	return v
}

// document returns a DID document, or nil if it can't be had: a session is worth having without it.
func (h *Handler) document(ctx context.Context, did syntax.DID) json.RawMessage {
	doc, err := h.Accounts.Directory.ResolveDIDRaw(ctx, did)
	if err != nil {
		h.Logger.WarnContext(ctx, "account: a session goes without its DID document", "did", did, "err", err)
		return nil
	}
	return doc
}
