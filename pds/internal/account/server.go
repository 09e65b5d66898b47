package account

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Server is what the methods need. All fields are required, but those of which it says what nil means,
// and those of Description.
type Server struct {
	Accounts  storage.Accounts
	Tokens    storage.Tokens
	Sessions  *session.Issuer
	Registrar identity.Registrar
	Keys      Keys
	Engine    *repo.Engine
	Repos     storage.RepoReader
	Blobs     storage.BlobIndex

	// Preferences counts an account's preferences.
	Preferences func(ctx context.Context, did syntax.DID) (int64, error)

	// ServiceKeys sign service tokens.
	ServiceKeys service.KeySource

	// SetStatus changes an account in a way that may change its status, and tells the network.
	SetStatus func(ctx context.Context, did syntax.DID, announce bool, change func(*storage.Account)) error

	// Delete removes an account with all that belongs to it, and tells the network.
	Delete func(ctx context.Context, did syntax.DID) error

	// Send sends a letter. If nil, none is sent, and the methods that send some succeed nevertheless.
	Send   func(ctx context.Context, l Letter) error
	Outbox *Outbox // of the letters that no request waits for
	Secret []byte  // hides the codes of letters from those who read the store

	// Refresh resolves a DID as the network knows it now.
	Refresh func(ctx context.Context, did syntax.DID) (*indigo.Identity, error)

	// Document resolves a DID to its document.
	Document func(ctx context.Context, did syntax.DID) (json.RawMessage, error)

	// ResolveHandle resolves a handle to its DID, whatever the DID says.
	ResolveHandle func(ctx context.Context, handle syntax.Handle) (syntax.DID, error)

	// BeforeSignUp is asked about an account that is to be made upon a request, and HandleAllowed about its handle, when
	// all else is in order: they refuse by an error. If nil, nothing is refused.
	BeforeSignUp  func(ctx context.Context, s SignUp) error
	HandleAllowed func(ctx context.Context, h syntax.Handle) error

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
	Public(ctx context.Context, name string) (atcrypto.PublicKey, error)
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
	account := auth.Session.OrApp().In(auth.NotTakenDown)
	orTakendown := auth.Session.OrTakendown().OrApp().In(auth.NotTakenDown)
	email := auth.Session.OrApp(auth.AccountPermission("email", "manage")).In(auth.NotTakenDown)
	owner := auth.FullSession.In(auth.NotTakenDown)
	return []xrpc.Method{
		xrpc.Query("com.atproto.server.describeServer", auth.Public, s.describeServer),
		xrpc.Procedure("com.atproto.server.createAccount", auth.Service.Optional().Unasked(), s.createAccount),
		xrpc.Procedure("com.atproto.server.createSession", auth.Public, s.createSession),
		xrpc.Query("com.atproto.server.getSession", orTakendown, s.getSession),
		xrpc.Procedure("com.atproto.server.refreshSession", auth.Refresh.In(auth.NotTakenDown), s.refreshSession),
		xrpc.Procedure("com.atproto.server.deleteSession", auth.Refresh.OrExpired().Unasked(), s.deleteSession),
		xrpc.Procedure("com.atproto.server.activateAccount", owner, s.activateAccount),
		xrpc.Procedure("com.atproto.server.deactivateAccount", auth.FullSession.OrTakendown().In(auth.Any),
			s.deactivateAccount),
		xrpc.Procedure("com.atproto.server.requestPasswordReset", auth.Public, s.requestPasswordReset),
		xrpc.Procedure("com.atproto.server.resetPassword", auth.Public, s.resetPassword),
		xrpc.Procedure("com.atproto.server.requestEmailConfirmation", email, s.requestEmailConfirmation),
		xrpc.Procedure("com.atproto.server.confirmEmail", email, s.confirmEmail),
		xrpc.Procedure("com.atproto.server.requestEmailUpdate", owner, s.requestEmailUpdate),
		xrpc.Procedure("com.atproto.server.updateEmail", owner, s.updateEmail),
		xrpc.Procedure("com.atproto.server.requestAccountDelete", owner, s.requestAccountDelete),
		xrpc.Procedure("com.atproto.server.deleteAccount", auth.Public, s.deleteAccount),
		xrpc.Procedure("com.atproto.server.createAppPassword", owner, s.createAppPassword),
		xrpc.Query("com.atproto.server.listAppPasswords", owner, s.listAppPasswords),
		xrpc.Procedure("com.atproto.server.revokeAppPassword", owner, s.revokeAppPassword),
		xrpc.Query("com.atproto.server.checkAccountStatus", account, s.checkAccountStatus),
		xrpc.Query("com.atproto.server.getServiceAuth", orTakendown, s.getServiceAuth),
	}
}
