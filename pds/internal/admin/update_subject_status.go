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
func (s *Server) updateSubjectStatus(ctx context.Context, c *xrpc.Call[updateSubjectStatusInput]) (*updateSubjectStatusOutput, error) {
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
		err = s.updateAccount(ctx, in, ref)
	case recordSubject:
		err = s.updateRecord(ctx, in, ref)
	case blobSubject:
		err = s.updateBlob(ctx, in, ref)
	default:
		return nil, xrpc.InvalidRequest("Invalid subject (%s)", in.Subject.Type)
	}
	return &updateSubjectStatusOutput{Subject: in.Subject, Takedown: in.Takedown}, hosting.SubjectError(err)
}

func (s *Server) updateAccount(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	if _, err := syntax.ParseDID(in.Subject.DID.String()); err != nil {
		return xrpc.InvalidRequest("an account must be named by a DID")
	}
	now := s.Now()
	announce := in.Takedown == nil && in.Deactivated == nil
	err := s.SetStatus(ctx, in.Subject.DID, announce, func(a *storage.Account) {
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
		err = s.EndSessions(ctx, in.Subject.DID)
	}
	return err
}

func (s *Server) updateRecord(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	did, path, err := record(in.Subject.URI)
	if err != nil || in.Takedown == nil {
		return err
	}
	return s.Repos.SetRecordTakedown(ctx, did, path, ref)
}

func (s *Server) updateBlob(ctx context.Context, in *updateSubjectStatusInput, ref string) error {
	c, err := parseCID(in.Subject.CID)
	if err != nil || in.Takedown == nil {
		return err
	}
	return s.Blobs.SetBlobTakedown(ctx, in.Subject.DID, c, ref)
}
