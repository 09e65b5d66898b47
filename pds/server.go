package pds

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/account"
	"github.com/pdskit/pdskit/pds/internal/admin"
	"github.com/pdskit/pdskit/pds/internal/blob"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	identitymethods "github.com/pdskit/pdskit/pds/internal/identity"
	lexiconmethods "github.com/pdskit/pdskit/pds/internal/lexicon"
	"github.com/pdskit/pdskit/pds/internal/page"
	"github.com/pdskit/pdskit/pds/internal/record"
	"github.com/pdskit/pdskit/pds/internal/sync"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Server is a PDS. It is an [http.Handler] for a host name of its own; [Server.Mount] puts it on a mux that others use,
// too.
type Server struct {
	store      storage.Store
	engine     *repo.Engine
	identity   Directory
	hosted     *hosting.Accounts
	mux        *xrpc.Mux
	site       *http.ServeMux
	pages      *page.Handler
	accounts   *account.Handler
	outbox     *account.Outbox
	records    *record.Handler
	blobs      *blob.Handler
	crawlers   *firehose.Crawlers
	keepEvents time.Duration
	now        func() time.Time
	logger     *slog.Logger
}

var _ http.Handler = (*Server)(nil)

// New makes a server. It opens nothing, starts nothing and reads no environment. It reports all that is wrong with c at
// once.
func New(c Config) (*Server, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	s := &Server{
		store:      c.Store,
		outbox:     account.NewOutbox(c.Logger),
		keepEvents: c.KeepEvents,
		now:        c.Now,
		logger:     c.Logger,
	}
	if len(c.Relays) > 0 {
		s.crawlers = &firehose.Crawlers{Events: s.store, Relays: c.Relays, Hostname: c.hostname(), Logger: c.Logger}
	}
	var errs [6]error
	s.engine, errs[0] = repo.New(repo.Config{Store: s.store, Signer: c.Keys, CacheBytes: c.RepoCache, Now: c.Now})
	sessions, err := session.New(session.Config{
		Store: s.store, Secret: c.TokenSecret, Audience: c.DID, Now: c.Now,
	})
	errs[1] = err
	s.identity, errs[2] = c.directory(s.store)
	registrar, err := c.registrar()
	errs[3] = err
	lexicons, err := c.lexicons(s.identity)
	errs[4] = err
	s.hosted = &hosting.Accounts{
		Store: s.store, Engine: s.engine, Keys: c.Keys, Directory: s.identity,
		Handles:       c.handles(),
		HandleAllowed: c.Hooks.HandleAllowed, Now: c.Now, Logger: c.Logger,
	}
	others, err := s.services(&c)
	errs[5] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	s.assemble(&c, sessions, registrar, lexicons, others)
	return s, nil
}

func (c *Config) directory(store storage.Accounts) (Directory, error) {
	if c.Directory != nil {
		return c.Directory, nil
	}
	return identity.NewDirectory(identity.DirectoryConfig{
		PLCURL:       c.PLCURL,
		Local:        hosting.Local{Accounts: store, Handles: c.handles()},
		LocalDomains: c.HandleDomains,
		LookupTXT:    c.LookupTXT,
		Development:  c.Development,
		UserAgent:    "pdskit",
		Clock:        c.Now,
	})
}

func (c *Config) handles() identity.HandleRules {
	return identity.HandleRules{ServiceDomains: c.HandleDomains}
}

func (c *Config) registrar() (identity.Registrar, error) {
	if c.Registrar != nil {
		return c.Registrar, nil
	}
	client, err := plc.NewClient(plc.ClientConfig{URL: c.PLCURL, UserAgent: "pdskit"})
	if err != nil {
		return nil, err
	}
	return identity.NewPLCRegistrar(client, c.RotationKey), nil
}

// assemble makes the methods and pages, each domain of exactly what it needs.
func (s *Server) assemble(
	c *Config, sessions *session.Issuer, registrar identity.Registrar, lexicons *lexicon.Catalog, others *services,
) {
	authenticator := auth.Schemes{"Bearer": others.auth.Or(sessions), "Basic": password.Admin(c.AdminPassword)}
	for scheme, a := range c.Authenticators {
		maps.DeleteFunc(authenticator, func(own string, _ auth.Authenticator) bool { return strings.EqualFold(own, scheme) })
		authenticator[scheme] = a
	}
	s.mux = xrpc.NewMux(xrpc.MuxConfig{
		Authenticator: authenticator, Accounts: s.hosted, Errors: hosting.AnyError, Fallback: others.proxy.Method,
		Lexicons: lexicons, CheckOutput: c.Development, Logger: c.Logger,
		StreamsPerAddress: c.StreamsPerAddress, ClientAddress: c.ClientAddress,
		Measure: c.Hooks.Measure, Now: c.Now,
	})

	preferences := s.preferences(c, others.proxy)
	s.accounts = &account.Handler{
		Accounts: s.hosted, Store: s.store, Sessions: sessions, Registrar: registrar, Keys: c.Keys, Engine: s.engine,
		Preferences: preferences, Mailer: c.mailer(), Outbox: s.outbox, Secret: c.TokenSecret,
		BeforeSignUp: c.Hooks.signUp(), PublicURL: c.PublicURL, RecoveryKey: c.RecoveryKey,
		Description: account.Description{
			DID: c.DID, HandleDomains: c.HandleDomains, InviteRequired: c.InviteRequired, BlobUploadLimit: c.MaxBlob,
			PrivacyPolicyURL: c.PrivacyPolicyURL, TermsURL: c.TermsURL, ContactEmail: c.ContactEmail,
		},
		Now: c.Now, Logger: c.Logger,
	}
	s.records = &record.Handler{
		Accounts: s.hosted, Engine: s.engine, Store: s.store, Lexicons: lexicons, BeforeWrite: c.Hooks.write(),
		MaxImport: c.MaxImport, Now: c.Now,
	}
	if elsewhere, ok := others.proxy.Anonymous("com.atproto.repo.getRecord"); ok {
		s.records.Elsewhere = elsewhere
	}
	s.blobs = &blob.Handler{
		Accounts: s.hosted, Index: s.store, Bytes: c.Blobs, BeforeUpload: c.Hooks.upload(),
		MaxUpload: c.MaxBlob, TemporaryFor: c.KeepTemporaryBlobs, Now: c.Now,
	}
	repos := &sync.Handler{
		Accounts: s.hosted, Engine: s.engine, Repos: s.store,
		Stream: firehose.NewStream(firehose.StreamConfig{Events: s.store, Buffer: c.StreamBuffer}),
	}
	identities := &identitymethods.Handler{Accounts: s.hosted, Registrar: registrar}
	admins := &admin.Handler{Accounts: s.hosted, Sessions: sessions, Store: s.store, Now: c.Now}
	s.Handle(admins.Methods()...)
	s.Handle(s.accounts.Methods()...)
	s.Handle(identities.Methods()...)
	s.Handle(s.records.Methods()...)
	s.Handle(s.blobs.Methods()...)
	s.Handle(repos.Methods()...)
	s.Handle(preferences.Methods()...)
	if resolver := lexicons.Resolver(); resolver != nil {
		s.Handle((&lexiconmethods.Handler{Resolver: resolver, Logger: c.Logger}).Methods()...)
	}

	s.pages = &page.Handler{
		Accounts: s.hosted, DID: c.DID, PublicURL: c.PublicURL, Version: c.Version, Logger: c.Logger,
	}
	s.site = http.NewServeMux()
	s.Mount(s.site)
	s.site.Handle(xrpc.Prefix, s.mux) // which says what is wrong with other methods
	s.pages.MountSite(s.site)
}

// Handle adds methods to those that the library has. It panics if one has the ID of another, unless it is made by
// xrpc.Override, and after serving has begun.
func (s *Server) Handle(methods ...xrpc.Method) { s.mux.Handle(methods...) }

// Methods returns all methods, ordered by their IDs.
func (s *Server) Methods() []xrpc.Method { return s.mux.Methods() }

// Mount registers exactly the paths that a PDS needs: /xrpc/, /.well-known/atproto-did and /.well-known/did.json, with the
// methods that it answers, so that it gets along with a host's "GET /".
func (s *Server) Mount(mux *http.ServeMux) {
	for _, verb := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} { // GET stands for HEAD, too
		mux.Handle(verb+" "+xrpc.Prefix, s.mux)
	}
	s.pages.Mount(mux)
}

// ServeHTTP serves what Mount registers, and a page for people and a robots.txt beside it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.site.ServeHTTP(w, r) }
