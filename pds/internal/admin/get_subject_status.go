package admin

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type getSubjectStatusParams struct {
	DID  syntax.DID   `json:"did,omitempty"`
	URI  syntax.ATURI `json:"uri,omitempty"`
	Blob string       `json:"blob,omitempty"`
}

type getSubjectStatusOutput struct {
	Subject     subject `json:"subject"`
	Takedown    *status `json:"takedown,omitempty"`
	Deactivated *status `json:"deactivated,omitempty"`
}

func (s *Server) getSubjectStatus(ctx context.Context, c *xrpc.Call[getSubjectStatusParams]) (*getSubjectStatusOutput, error) {
	in := &c.Input
	var out *getSubjectStatusOutput
	var err error
	switch {
	case in.Blob != "" && in.DID == "":
		return nil, xrpc.InvalidRequest("Must provide a did to request blob state")
	case in.Blob != "":
		out, err = s.blobStatus(ctx, in)
	case in.URI != "":
		out, err = s.recordStatus(ctx, in)
	case in.DID != "":
		out, err = s.accountStatus(ctx, in)
	default:
		return nil, xrpc.InvalidRequest("No provided subject")
	}
	return out, hosting.SubjectError(err)
}

func (s *Server) blobStatus(ctx context.Context, in *getSubjectStatusParams) (*getSubjectStatusOutput, error) {
	c, err := parseCID(in.Blob)
	if err != nil {
		return nil, err
	}
	b, err := s.Blobs.Blob(ctx, in.DID, c)
	return &getSubjectStatusOutput{
		Subject: subject{Type: blobSubject, DID: in.DID, CID: in.Blob}, Takedown: takedown(b.TakedownRef),
	}, err
}

func (s *Server) recordStatus(ctx context.Context, in *getSubjectStatusParams) (*getSubjectStatusOutput, error) {
	did, path, err := record(in.URI)
	if err != nil {
		return nil, err
	}
	r, err := s.Repos.Record(ctx, did, path)
	return &getSubjectStatusOutput{
		Subject: subject{Type: recordSubject, URI: in.URI, CID: r.CID.String()}, Takedown: takedown(r.TakedownRef),
	}, err
}

func (s *Server) accountStatus(ctx context.Context, in *getSubjectStatusParams) (*getSubjectStatusOutput, error) {
	a, err := s.Accounts.Account(ctx, in.DID)
	return &getSubjectStatusOutput{
		Subject:     subject{Type: accountSubject, DID: in.DID},
		Takedown:    takedown(a.TakedownRef),
		Deactivated: &status{Applied: !a.DeactivatedAt.IsZero()},
	}, err
}

func takedown(ref string) *status { return &status{Applied: ref != "", Ref: ref} }
