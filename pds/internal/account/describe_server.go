package account

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

type describeServerOutput struct {
	DID                  syntax.DID    `json:"did"`
	AvailableUserDomains []string      `json:"availableUserDomains"`
	InviteCodeRequired   bool          `json:"inviteCodeRequired"`
	BlobUploadLimit      int64         `json:"blobUploadLimit,omitempty"`
	Links                serverLinks   `json:"links"`
	Contact              serverContact `json:"contact"`
}

type serverLinks struct {
	PrivacyPolicy  string `json:"privacyPolicy,omitempty"`
	TermsOfService string `json:"termsOfService,omitempty"`
}

type serverContact struct {
	Email string `json:"email,omitempty"`
}

func (h *Handler) describeServer(context.Context, *xrpc.Call[struct{}]) (*describeServerOutput, error) {
	d := &h.Description
	out := &describeServerOutput{
		DID:                  d.DID,
		AvailableUserDomains: d.HandleDomains,
		InviteCodeRequired:   d.InviteRequired,
		BlobUploadLimit:      d.BlobUploadLimit,
		Links:                serverLinks{PrivacyPolicy: d.PrivacyPolicyURL, TermsOfService: d.TermsURL},
		Contact:              serverContact{Email: d.ContactEmail},
	}
	if out.AvailableUserDomains == nil {
		out.AvailableUserDomains = []string{}
	}
	return out, nil
}
