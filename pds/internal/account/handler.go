package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Handler is what the methods need. All fields are required but Mailer, BeforeSignUp, RecoveryKey
// and those of Description.
type Handler struct {
	Accounts    *hosting.Accounts
	Store       Store
	Sessions    *session.Issuer
	Registrar   identity.Registrar
	Keys        Keys
	Engine      *repo.Engine
	Preferences Preferences

	// Mailer sends letters. If nil, none is sent, and methods that would send one still succeed.
	Mailer Mailer
	Outbox *Outbox // of the letters that no request waits for
	Secret []byte  // hides the codes of letters from those who read the store

	// BeforeSignUp refuses a request for an account by returning an error. It is called when all
	// else is in order. If nil, nothing is refused.
	BeforeSignUp func(ctx context.Context, s SignUp) error

	PublicURL   string // of the server, as DID documents name it
	RecoveryKey string // the operator's rotation key for disasters, as did:key; "" for none

	Description Description
	Now         func() time.Time
	Logger      *slog.Logger
}

// Store is what the methods need of a storage.Store.
type Store interface {
	storage.Accounts
	storage.RepoReader
	storage.BlobIndex
	storage.Documents
}

// Preferences counts an account's preferences.
type Preferences interface {
	Count(ctx context.Context, did syntax.DID) (int64, error)
}

// Mailer sends letters.
type Mailer interface {
	Send(ctx context.Context, l Letter) error
}

// Keys makes signing keys, and signs service tokens. See keys.Keyring.
type Keys interface {
	service.KeySource
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
func (h *Handler) Methods() []xrpc.Method {
	account := auth.Session.OrApp().In(auth.NotTakenDown)
	orTakendown := auth.Session.OrTakendown().OrApp().In(auth.NotTakenDown)
	email := auth.Session.OrApp(auth.AccountPermission("email", "manage")).In(auth.NotTakenDown)
	owner := auth.FullSession.In(auth.NotTakenDown)
	return []xrpc.Method{
		xrpc.Query("com.atproto.server.describeServer", auth.Public, h.describeServer),
		xrpc.Procedure("com.atproto.server.createAccount", auth.Service.Optional().Unasked(), h.createAccount),
		xrpc.Procedure("com.atproto.server.createSession", auth.Public, h.createSession),
		xrpc.Query("com.atproto.server.getSession", orTakendown, h.getSession),
		xrpc.Procedure("com.atproto.server.refreshSession", auth.Refresh.In(auth.NotTakenDown), h.refreshSession),
		xrpc.Procedure("com.atproto.server.deleteSession", auth.Refresh.OrExpired().Unasked(), h.deleteSession),
		xrpc.Procedure("com.atproto.server.activateAccount", owner, h.activateAccount),
		xrpc.Procedure("com.atproto.server.deactivateAccount", auth.FullSession.OrTakendown().In(auth.Any),
			h.deactivateAccount),
		xrpc.Procedure("com.atproto.server.requestPasswordReset", auth.Public, h.requestPasswordReset),
		xrpc.Procedure("com.atproto.server.resetPassword", auth.Public, h.resetPassword),
		xrpc.Procedure("com.atproto.server.requestEmailConfirmation", email, h.requestEmailConfirmation),
		xrpc.Procedure("com.atproto.server.confirmEmail", email, h.confirmEmail),
		xrpc.Procedure("com.atproto.server.requestEmailUpdate", owner, h.requestEmailUpdate),
		xrpc.Procedure("com.atproto.server.updateEmail", owner, h.updateEmail),
		xrpc.Procedure("com.atproto.server.requestAccountDelete", owner, h.requestAccountDelete),
		xrpc.Procedure("com.atproto.server.deleteAccount", auth.Public, h.deleteAccount),
		xrpc.Procedure("com.atproto.server.createAppPassword", owner, h.createAppPassword),
		xrpc.Query("com.atproto.server.listAppPasswords", owner, h.listAppPasswords),
		xrpc.Procedure("com.atproto.server.revokeAppPassword", owner, h.revokeAppPassword),
		xrpc.Query("com.atproto.server.checkAccountStatus", account, h.checkAccountStatus),
		xrpc.Query("com.atproto.server.getServiceAuth", orTakendown, h.getServiceAuth),
	}
}
