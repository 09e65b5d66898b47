package account

import (
	"context"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const (
	maxServiceAuth         = time.Hour   // a service token is good for, if it names a method
	maxServiceAuthNoMethod = time.Minute // likewise, if it doesn't
	maxAudience            = 2048        // bytes

	methodCreateAccount syntax.NSID = "com.atproto.server.createAccount"
)

type getServiceAuthParams struct {
	Audience string      `json:"aud"`
	Expires  int64       `json:"exp,omitempty"` // Unix seconds
	Method   syntax.NSID `json:"lxm,omitempty"`
}

type getServiceAuthOutput struct {
	Token string `json:"token"`
}

// getServiceAuth signs a token by which another service knows the account. It is for what the account may do there, not
// for managing it here.
func (h *Handler) getServiceAuth(ctx context.Context, c *xrpc.Call[getServiceAuthParams]) (*getServiceAuthOutput, error) {
	if err := h.mayAskForServiceAuth(&c.Input, c.Caller); err != nil {
		return nil, err
	}
	t := service.Token{Issuer: c.Account.DID, Audience: c.Input.Audience, Method: c.Input.Method}
	if c.Input.Expires != 0 {
		t.ExpiresAt = time.Unix(c.Input.Expires, 0)
	}
	token, err := t.Sign(ctx, h.Keys, h.Now())
	return &getServiceAuthOutput{token}, err
}

func (h *Handler) mayAskForServiceAuth(in *getServiceAuthParams, caller auth.Caller) error {
	method := in.Method.String()
	if method == "" {
		method = "*"
	}
	if err := caller.May(auth.CallPermission(method, in.Audience)); err != nil {
		return err
	}
	if !isAudience(in.Audience) {
		return xrpc.InvalidRequest("aud must be a valid atproto DID or did#serviceId reference")
	}
	switch {
	case caller.Kind == auth.KindTakendown && in.Method != methodCreateAccount: // which is how one leaves
		return auth.ErrInvalidToken.With("Bad token scope")
	case service.Privileged(in.Method) && !caller.Privileged() &&
		caller.Kind != auth.KindTakendown && caller.Kind != auth.KindOAuth:
		return xrpc.InvalidRequest(
			"insufficient access to request a service auth token for the following method: %s", in.Method)
	case service.Protected(in.Method):
		return xrpc.InvalidRequest(
			"cannot request a service auth token for the following protected method: %s", in.Method)
	}
	return h.checkExpiry(in)
}

func (h *Handler) checkExpiry(in *getServiceAuthParams) error {
	if in.Expires == 0 {
		return nil
	}
	switch now := h.Now().Unix(); {
	case in.Expires < now:
		return xrpc.Errorf("BadExpiration", "expiration is in past")
	case in.Expires-now > int64(maxServiceAuth/time.Second):
		return xrpc.Errorf("BadExpiration",
			"cannot request a token with an expiration more than an hour in the future")
	case in.Method == "" && in.Expires-now > int64(maxServiceAuthNoMethod/time.Second):
		return xrpc.Errorf("BadExpiration",
			"cannot request a method-less token with an expiration more than a minute in the future")
	}
	return nil
}

// isAudience takes a DID, with or without "#" and the ID of a service of its document behind.
func isAudience(s string) bool {
	did, service, hasService := strings.Cut(s, "#")
	_, err := syntax.ParseDID(did)
	return err == nil && len(s) <= maxAudience && !strings.ContainsAny(service, "# ") && hasService == (service != "")
}
