package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type updateSubjectStatusInput struct {
	Subject     subject `json:"subject"`
	Takedown    *status `json:"takedown,omitempty"`
	Deactivated *status `json:"deactivated,omitempty"`
}

type updateSubjectStatusOutput struct {
	Subject  subject `json:"subject"`
	Takedown *status `json:"takedown,omitempty"`
}

// updateSubjectStatus takes an account, a record or a blob down, or lifts that; or deactivates or activates an account.
// Without either it tells the network an account's status once more.
func (h *Handler) updateSubjectStatus(ctx context.Context, c *xrpc.Call[updateSubjectStatusInput]) (*updateSubjectStatusOutput, error) {
	in := &c.Input
	if in.Takedown != nil && in.Takedown.Applied && in.Deactivated != nil && !in.Deactivated.Applied {
		return nil, xrpc.InvalidRequest("Cannot activate and takedown an account at the same time")
	}
	ref := ""
	if in.Takedown != nil && in.Takedown.Applied {
		ref = cmp.Or(in.Takedown.Ref, rand.Text())
		in.Takedown.Ref = ref
	}
	var err error
	switch in.Subject.Type {
	case accountSubject:
		err = h.updateAccount(ctx, in, ref)
	case recordSubject:
		err = h.updateRecord(ctx, in, ref)
	case blobSubject:
		err = h.updateBlob(ctx, in, ref)
	default:
		return nil, xrpc.InvalidRequest("Invalid subject (%s)", in.Subject.Type)
	}
	return &updateSubjectStatusOutput{Subject: in.Subject, Takedown: in.Takedown}, hosting.SubjectError(err)
}

func (h *Handler) updateAccount(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	if _, err := syntax.ParseDID(in.Subject.DID.String()); err != nil {
		return xrpc.InvalidRequest("an account must be named by a DID")
	}
	now := h.Now()
	announce := in.Takedown == nil && in.Deactivated == nil
	err := h.Accounts.SetStatus(ctx, in.Subject.DID, announce, func(a *storage.Account) {
		if in.Takedown != nil {
			a.TakedownRef, a.Suspended = ref, false
		}
		switch {
		case in.Deactivated == nil:
		case !in.Deactivated.Applied:
			a.DeactivatedAt, a.DeleteAfter = time.Time{}, time.Time{}
		case a.DeactivatedAt.IsZero():
			a.DeactivatedAt = now
		}
	})
	if err == nil && ref != "" {
		err = h.Sessions.RevokeAll(ctx, in.Subject.DID)
	}
	return err
}

func (h *Handler) updateRecord(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	did, path, err := record(in.Subject.URI)
	if err != nil || in.Takedown == nil {
		return err
	}
	return h.Store.SetTakedown(ctx, storage.Takedown{DID: did, Path: path, Ref: ref})
}

func (h *Handler) updateBlob(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	c, err := parseCID(in.Subject.CID)
	if err != nil || in.Takedown == nil {
		return err
	}
	return h.Store.SetTakedown(ctx, storage.Takedown{DID: in.Subject.DID, Blob: c, Ref: ref})
}
