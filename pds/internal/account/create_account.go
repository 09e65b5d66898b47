package account

import (
	"context"
	"encoding/json"
	"net/http"
	"net/mail"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

type createAccountInput struct {
	Handle      string          `json:"handle"`
	Email       string          `json:"email,omitempty"`
	Password    string          `json:"password,omitempty"`
	InviteCode  string          `json:"inviteCode,omitempty"`
	DID         syntax.DID      `json:"did,omitempty"`
	RecoveryKey string          `json:"recoveryKey,omitempty"`
	PLCOp       json.RawMessage `json:"plcOp,omitempty"`
}

type createAccountOutput struct {
	AccessJWT  string          `json:"accessJwt"`
	RefreshJWT string          `json:"refreshJwt"`
	Handle     syntax.Handle   `json:"handle"`
	DID        syntax.DID      `json:"did"`
	DIDDoc     json.RawMessage `json:"didDoc,omitempty"`
}

func (s *Server) createAccount(ctx context.Context, c *xrpc.Call[createAccountInput]) (*createAccountOutput, error) {
	did := c.Input.DID
	if did != "" && did != c.Caller.DID {
		return nil, xrpc.StatusError(http.StatusUnauthorized, "Missing auth to create account with did: %s", did)
	}
	req, err := s.signupRequest(ctx, &c.Input)
	if err != nil {
		return nil, err
	}
	if err := s.ask(ctx, c, req); err != nil {
		return nil, err
	}
	var account storage.Account
	if did != "" {
		account, err = s.moveIn(ctx, did, req)
	} else {
		account, err = s.signUp(ctx, req)
	}
	if err != nil {
		return nil, err
	}
	tokens, err := s.Sessions.Create(ctx, account.DID, session.ScopeAccess, "")
	if err != nil {
		return nil, err
	}
	return &createAccountOutput{
		AccessJWT:  tokens.Access,
		RefreshJWT: tokens.Refresh,
		Handle:     account.Handle,
		DID:        account.DID,
		DIDDoc:     s.document(ctx, account.DID),
	}, nil
}

// SignUp is a request for an account.
type SignUp struct {
	DID        syntax.DID // "" unless it is brought along
	Handle     syntax.Handle
	Email      string
	InviteCode string
	Request    *http.Request // whose body has been read
}

// ask asks the host.
func (s *Server) ask(ctx context.Context, c *xrpc.Call[createAccountInput], req signupRequest) error {
	if s.HandleAllowed != nil {
		if err := s.HandleAllowed(ctx, req.handle); err != nil {
			return err
		}
	}
	if s.BeforeSignUp == nil {
		return nil
	}
	return s.BeforeSignUp(ctx, SignUp{
		DID: c.Input.DID, Handle: req.handle, Email: req.email, InviteCode: c.Input.InviteCode, Request: c.Request,
	})
}

// signupRequest checks what can be checked without looking at other accounts.
func (s *Server) signupRequest(ctx context.Context, in *createAccountInput) (signupRequest, error) {
	switch {
	case len(in.PLCOp) > 0:
		return signupRequest{}, xrpc.InvalidRequest(`Unsupported input: "plcOp"`)
	case s.Description.InviteRequired && in.InviteCode == "":
		return signupRequest{}, xrpc.Errorf("InvalidInviteCode", "No invite code provided")
	case s.Description.InviteRequired:
		return signupRequest{}, xrpc.Errorf("InvalidInviteCode", "Provided invite code not available")
	case in.Email == "":
		return signupRequest{}, xrpc.InvalidRequest("Email is required")
	case in.Password == "":
		return signupRequest{}, xrpc.Errorf("InvalidPassword", "Password is required")
	case len([]rune(in.Password)) > password.MaxNew:
		return signupRequest{}, xrpc.Errorf("InvalidPassword",
			"Password too long. Maximum length is %d characters.", password.MaxNew)
	}
	email, ok := normalizeEmail(in.Email)
	if !ok {
		return signupRequest{}, errUnsupportedEmail
	}
	if in.RecoveryKey != "" {
		if _, err := atcrypto.ParsePublicDIDKey(in.RecoveryKey); err != nil {
			return signupRequest{}, xrpc.InvalidRequest("Input/recoveryKey must be a did:key of type K-256 or P-256")
		}
	}
	req := signupRequest{email: email, password: in.Password, recoveryKey: in.RecoveryKey}
	var err error
	if in.DID != "" {
		req.handle, err = s.broughtHandle(ctx, in.DID, in.Handle)
		return req, err
	}
	req.handle, err = s.Handles.ValidateNew(in.Handle)
	return req, hosting.HandleError(err)
}

var errUnsupportedEmail = xrpc.InvalidRequest("This email address is not supported, please use a different email.")

// normalizeEmail takes a bare address, and makes it lower case.
func normalizeEmail(s string) (string, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 {
		return "", false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.ToLower(s), strings.Contains(domain, ".") && !strings.HasPrefix(domain, "[")
}
