package account

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields but those of Description are required.
type Server struct {
	Accounts  storage.Accounts
	Tokens    storage.Tokens
	Sessions  *auth.Sessions
	Registrar identity.Registrar
	Keys      Keys
	Engine    *repo.Engine

	// Document resolves a DID to its document.
	Document func(ctx context.Context, did syntax.DID) (json.RawMessage, error)

	Handles     identity.HandleRules
	PublicURL   string // of the server, as DID documents name it
	RecoveryKey string // the operator's rotation key for disasters, as did:key; "" for none

	Description Description
	Now         func() time.Time
	Logger      *slog.Logger
}

// Keys makes signing keys. See keys.Keyring.
type Keys interface {
	Generate(ctx context.Context, name string, kind keys.Kind) (atcrypto.PublicKey, error)
	Copy(ctx context.Context, from, to string) error
	Delete(ctx context.Context, name string) error
}

// Description is what describeServer tells, beside what it derives.
type Description struct {
	DID              syntax.DID
	HandleDomains    []string // each begins with a dot
	InviteRequired   bool
	BlobUploadLimit  int64
	PrivacyPolicyURL string
	TermsURL         string
	ContactEmail     string
}

// Methods returns the methods of com.atproto.server.
func (s *Server) Methods() []xrpc.Method {
	return []xrpc.Method{
		xrpc.Query("com.atproto.server.describeServer", auth.Public, s.describeServer),
		xrpc.Procedure("com.atproto.server.createAccount", auth.Public, s.createAccount),
		xrpc.Procedure("com.atproto.server.createSession", auth.Public, s.createSession),
		xrpc.Query("com.atproto.server.getSession", auth.SessionOrTakendown, s.getSession),
		xrpc.Procedure("com.atproto.server.refreshSession", auth.Refresh, s.refreshSession),
		xrpc.Procedure("com.atproto.server.deleteSession", auth.RefreshExpired, s.deleteSession),
	}
}
