package pds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/pds/internal/account"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Version is the library's.
const Version = "0.1.0"

// Config says what a [Server] is made of.
type Config struct {
	// Required.

	Store storage.Store // keeps everything but the blobs' bytes
	Blobs storage.Blobs // keeps these

	// PublicURL is the origin under which clients and relays reach the server, such as "https://pds.example.com".
	PublicURL string

	// TokenSecret authenticates session tokens; at least 16 bytes. Sessions of another server live on under its secret.
	TokenSecret []byte

	// Keys makes the accounts' signing keys, and signs with them. A keys.Keyring, for example.
	Keys Keys

	// RotationKey signs the identities of new accounts. Required unless Registrar is set.
	RotationKey plc.Signer

	// The rest is optional.

	// DID is the server's. If zero, the did:web of PublicURL's host name.
	DID syntax.DID

	// HandleDomains are the domains under which accounts get their handles, each with a dot in front. If nil, the one of
	// PublicURL's host name.
	HandleDomains []string

	// AdminPassword is the operator's. If zero, nobody is the operator.
	AdminPassword string

	// Authenticators know callers by other means than session tokens and the operator's password, by the scheme of the
	// Authorization header, or "" for requests without one. That for Bearer or Basic takes the place of the server's own,
	// which session.New, service.New and password.Admin make. If nil, there are no other means.
	Authenticators auth.Schemes

	// Hooks are asked before accounts are made, records written and blobs uploaded. If zero, nobody is asked.
	Hooks Hooks

	// Mailer sends letters to the owners of accounts. If nil, none are sent: those who ask for one are answered as if it had
	// been, and the log says so, without the letter.
	Mailer Mailer

	// PLCURL is that of the PLC directory. If zero, the public one's.
	PLCURL string

	// RecoveryKey is the operator's rotation key for disasters, as did:key. If zero, there is none.
	RecoveryKey string

	// Registrar registers identities. If nil, the PLC directory of PLCURL does.
	Registrar identity.Registrar

	// Directory resolves DIDs and handles. If nil, an identity.Directory that asks PLCURL and the network.
	Directory Directory

	// LookupTXT returns the TXT records of a domain name, by which handles and lexicons are found. Directory, if there is
	// one, has its own way to find handles. If nil, the system's resolver does.
	LookupTXT func(ctx context.Context, name string) ([]string, error)

	// Lexicons are the host's own: all files, in folders too, whose names end in ".json". One takes the place of a built-in
	// lexicon with the same ID. If nil, there are only those that are built in: com.atproto, and the record types of
	// app.bsky.
	Lexicons fs.FS

	// LexiconAuthority is the account that publishes all lexicons, for networks that are cut off from the world. If zero,
	// DNS names a lexicon's authority.
	LexiconAuthority syntax.DID

	// OfflineLexicons switches the resolution of lexicons off. If zero, one that isn't known is looked for in the network,
	// when a client demands that a record be validated, or asks to resolve one.
	OfflineLexicons bool

	// Proxy says which other services answer for the server's accounts. If zero, those that clients name.
	Proxy Proxy

	// Moderators are services that moderate the server. If nil, just the operator does.
	Moderators []syntax.DID

	// Preferences are namespaces of preferences to keep beside app.bsky's. If nil, there are no others.
	Preferences []PreferenceNamespace

	// InviteRequired closes sign-up to people without an invite code; there is no method yet that makes codes, so that it
	// is closed to all but those whom the host signs up. If zero, it is open.
	InviteRequired bool

	// Relays are the URLs of the relays that are asked to crawl the server. If nil, none is.
	Relays []string

	// StreamsPerAddress limits the subscriptions that are open at once from one address, those that are passed on to other
	// services included; one /64 network of IPv6. If zero, 64. If negative, there is no limit.
	StreamsPerAddress int

	// StreamBuffer is how many of the newest events are kept in memory for the readers of the firehose. A reader that is
	// further behind is closed with ConsumerTooSlow. If zero, 1000.
	StreamBuffer int

	// ClientAddress tells the address of a request's client, for limits. If nil, that of the connection or, behind a
	// proxy at a private address, that in X-Forwarded-For. See xrpc.ClientAddress.
	ClientAddress func(*http.Request) netip.Addr

	// MaxBlob limits an uploaded blob, in bytes. If zero, 5 MiB.
	MaxBlob int64

	// MaxImport limits an imported repo, in bytes. If zero, there is no limit. If negative, nothing is imported.
	MaxImport int64

	// KeepEvents is for how long the outgoing log is kept. If zero, 72 hours.
	KeepEvents time.Duration

	// KeepTemporaryBlobs is for how long an upload waits for a record to refer to it. If zero, 24 hours.
	KeepTemporaryBlobs time.Duration

	// RepoCache bounds the memory for trees of recently written repos, in bytes. If zero, 64 MiB.
	RepoCache int64

	// PrivacyPolicyURL, TermsURL and ContactEmail are told to clients. If zero, they aren't.
	PrivacyPolicyURL, TermsURL, ContactEmail string

	// Version is told by the health check. If zero, [Version].
	Version string

	// Development lets the server fetch from private addresses and over plain http. If zero, it doesn't.
	Development bool

	// Now is the clock. If nil, time.Now.
	Now func() time.Time

	// Logger gets what the operator should know. If nil, slog.Default().
	Logger *slog.Logger
}

// Keys makes signing keys and signs with them. The name of an account's key is its DID. See keys.Keyring, which is the
// usual one; one that keeps its keys in a KMS maps names to key IDs.
type Keys interface {
	repo.Signer
	account.Keys
}

// Directory resolves DIDs and handles. See identity.Directory.
type Directory interface {
	LookupDID(ctx context.Context, did syntax.DID) (*indigo.Identity, error)
	ResolveDIDRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error)
	ResolveHandle(ctx context.Context, handle syntax.Handle) (syntax.DID, error)
	Refresh(ctx context.Context, did syntax.DID) (*indigo.Identity, error)
	Purge(ctx context.Context, id syntax.AtIdentifier) error
}

const minTokenSecret = 16

// fill reports everything that is wrong with c, and fills in what depends on nothing but c.
func (c *Config) fill() error {
	var errs []error
	missing := func(is bool, field string) {
		if is {
			errs = append(errs, fmt.Errorf("pds: Config.%s is required", field))
		}
	}
	missing(c.Store == nil, "Store")
	missing(c.Blobs == nil, "Blobs")
	missing(c.Keys == nil, "Keys")
	missing(c.RotationKey == nil && c.Registrar == nil, "RotationKey")
	if len(c.TokenSecret) < minTokenSecret {
		errs = append(errs, fmt.Errorf("pds: Config.TokenSecret must have at least %d bytes", minTokenSecret))
	}
	if err := c.fillFromURL(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.check()...)
	c.fillDefaults()
	return errors.Join(errs...)
}

func (c *Config) fillFromURL() error {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("pds: Config.PublicURL %q is not the URL of an origin", c.PublicURL)
	}
	c.PublicURL = u.Scheme + "://" + u.Host
	if c.DID == "" {
		c.DID = syntax.DID("did:web:" + u.Hostname())
	}
	if c.HandleDomains == nil {
		c.HandleDomains = []string{"." + u.Hostname()}
	}
	return nil
}

// hostname is how the network calls the server: with the port, if it has an unusual one.
func (c *Config) hostname() string {
	_, host, _ := strings.Cut(c.PublicURL, "://")
	return host
}

func (c *Config) fillDefaults() {
	if c.PLCURL == "" {
		c.PLCURL = plc.DefaultURL
	}
	if c.MaxBlob == 0 {
		c.MaxBlob = 5 << 20
	}
	if c.KeepEvents == 0 {
		c.KeepEvents = 72 * time.Hour
	}
	if c.KeepTemporaryBlobs == 0 {
		c.KeepTemporaryBlobs = 24 * time.Hour
	}
	if c.Version == "" {
		c.Version = "pdskit " + Version
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}
