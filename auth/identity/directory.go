package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

// LocalAccounts answers for the accounts of this server, without the network.
type LocalAccounts interface {
	// LocalHandle returns the DID of the account that has a handle, which is lower case. Error: indigo's
	// ErrHandleNotFound, whereupon the network is asked, unless the handle is one that only this server gives.
	LocalHandle(ctx context.Context, h syntax.Handle) (syntax.DID, error)

	// LocalDID returns the identity of an account. Error: indigo's ErrDIDNotFound, whereupon the network is asked. It
	// doesn't vouch for accounts that may have moved away, such as deactivated ones.
	LocalDID(ctx context.Context, did syntax.DID) (*indigo.Identity, error)
}

// DirectoryConfig says how a [Directory] resolves.
type DirectoryConfig struct {
	// PLCURL is the PLC directory's. If zero, [plc.DefaultURL].
	PLCURL string

	// Local answers for the server's own accounts. If zero, the network is asked for these too.
	Local LocalAccounts

	// LocalDomains are the domains under which only this server gives handles, such as ".example.com": the network
	// isn't asked for these. Handles under ".test" never go to the network. If zero, there are no others.
	LocalDomains []string

	// HTTP fetches DID documents of did:web and the well-known files of handles. It bounds what it reads. If zero, a
	// guarded client that reads up to 64 KiB, and in development allows private addresses.
	HTTP *http.Client

	// BackupDNS are name servers, as "address:port", that are asked where LookupTXT knows nothing of a handle. If zero, there are none.
	BackupDNS []string

	// LookupTXT returns the TXT records of a domain name. If nil, the system's resolver does.
	LookupTXT func(ctx context.Context, name string) ([]string, error)

	// CacheSize is the number of DIDs, and that of handles, to remember; of DIDs' documents at most 64 MiB. If zero,
	// 10,000.
	CacheSize int

	// StaleAfter is the age from which on something is resolved anew when it's asked for. If zero, an hour.
	StaleAfter time.Duration

	// ExpireAfter is the age up to which something stale is used while the network fails. If zero, a day.
	ExpireAfter time.Duration

	// Timeout bounds each step: a DID document, a handle's DNS record, a handle's well-known file. If zero, 3 seconds.
	Timeout time.Duration

	// Development lets did:web DIDs of localhost, with any port, resolve over plain http.
	Development bool

	// UserAgent is sent with requests. If zero, Go's own is.
	UserAgent string

	// Clock dates what is remembered. If zero, time.Now.
	Clock func() time.Time
}

// Directory resolves DIDs and handles. It is an indigo Directory and Resolver. Its methods may be called from many
// goroutines.
//
// Errors, all of indigo's package: ErrDIDNotFound, ErrDIDResolutionFailed, ErrHandleNotFound,
// ErrHandleResolutionFailed, ErrHandleMismatch, ErrHandleNotDeclared, ErrHandleReservedTLD, ErrInvalidHandle; and
// those of [LocalAccounts].
type Directory struct {
	local       LocalAccounts
	domains     []string // each with a dot in front
	timeout     time.Duration
	development bool

	plc indigo.BaseDirectory // for did:plc, with a plain client: the operator chose whom to ask
	web indigo.BaseDirectory // for what somebody else chose

	lookupTXT func(ctx context.Context, name string) ([]string, error)

	plcSlots, webSlots slots

	documents *cache[syntax.DID, document]
	handles   *cache[syntax.Handle, syntax.DID]
}

// maxAnswer bounds what is read from hosts that somebody else chose, in bytes. Documents have one or two thousand, and
// they're remembered by the thousands: were they as large as their hosts like, they would fill the memory.
const maxAnswer = 64 << 10

var (
	_ indigo.Directory = (*Directory)(nil)
	_ indigo.Resolver  = (*Directory)(nil)
)

// document is a DID document, and its parts that matter.
type document struct {
	raw    json.RawMessage
	parsed *indigo.DIDDocument
}

// NewDirectory returns a directory. It asks nobody yet. Error: PLCURL isn't the URL of a directory.
func NewDirectory(c DirectoryConfig) (*Directory, error) {
	client, err := plc.NewClient(plc.ClientConfig{URL: c.PLCURL})
	if err != nil {
		return nil, err
	}
	web := c.HTTP
	if web == nil {
		web = NewGuardedClient(GuardConfig{MaxBytes: maxAnswer, AllowPrivate: c.Development, UserAgent: c.UserAgent})
	}
	d := &Directory{
		local:       c.Local,
		domains:     withDots(c.LocalDomains),
		timeout:     cmp.Or(c.Timeout, 3*time.Second),
		development: c.Development,
		plc:         indigo.BaseDirectory{PLCURL: client.URL(), HTTPClient: plcHTTP(c.UserAgent), UserAgent: c.UserAgent},
		web:         indigo.BaseDirectory{HTTPClient: *web, FallbackDNSServers: c.BackupDNS, UserAgent: c.UserAgent},
	}
	d.plcSlots, d.webSlots = make(slots, maxFetches), make(slots, maxFetches)
	if d.lookupTXT = c.LookupTXT; d.lookupTXT == nil {
		d.lookupTXT = d.web.Resolver.LookupTXT
	}
	d.documents = newCache(c, d.fetchDocument, func(err error) bool { return errors.Is(err, indigo.ErrDIDNotFound) })
	d.documents.weigh = func(doc document) int { return len(doc.raw) } // strangers choose how long theirs are
	d.handles = newCache(c, d.fetchHandle, func(err error) bool { return errors.Is(err, indigo.ErrHandleNotFound) })
	return d, nil
}

// Lookup looks a DID or a handle up.
func (d *Directory) Lookup(ctx context.Context, id syntax.AtIdentifier) (*indigo.Identity, error) {
	if id.IsDID() {
		return d.LookupDID(ctx, id.DID())
	}
	return d.LookupHandle(ctx, id.Handle())
}

// LookupDID returns the identity of a DID. Its handle has been seen to lead back to the DID, or else is
// syntax.HandleInvalid.
func (d *Directory) LookupDID(ctx context.Context, did syntax.DID) (*indigo.Identity, error) {
	if id, err := d.localDID(ctx, did); !errors.Is(err, indigo.ErrDIDNotFound) {
		return id, err
	}
	doc, err := d.documents.get(ctx, did)
	if err != nil {
		return nil, err
	}
	return d.identity(ctx, doc)
}

// identity gives a document's identity a handle.
func (d *Directory) identity(ctx context.Context, doc document) (*indigo.Identity, error) {
	id := indigo.ParseIdentity(doc.parsed)
	h, err := id.DeclaredHandle()
	if err != nil {
		return &id, nil
	}
	did, err := d.ResolveHandle(ctx, h)
	if err != nil && !isHandleError(err) {
		return nil, err
	}
	if did == id.DID {
		id.Handle = h
	}
	return &id, nil
}

// isHandleError says whether a handle leads nowhere, as opposed to nobody having had the time to look.
func isHandleError(err error) bool {
	return errors.Is(err, indigo.ErrHandleNotFound) || errors.Is(err, indigo.ErrHandleResolutionFailed) ||
		errors.Is(err, indigo.ErrHandleReservedTLD) || errors.Is(err, indigo.ErrInvalidHandle)
}

// LookupHandle returns the identity that a handle leads to, and that claims the handle.
func (d *Directory) LookupHandle(ctx context.Context, h syntax.Handle) (*indigo.Identity, error) {
	h = h.Normalize()
	did, err := d.ResolveHandle(ctx, h)
	if err != nil {
		return nil, err
	}
	if id, err := d.localDID(ctx, did); err == nil && id.Handle == h {
		return id, nil
	}
	doc, err := d.documents.get(ctx, did)
	if err != nil {
		return nil, err
	}
	id := indigo.ParseIdentity(doc.parsed)
	declared, err := id.DeclaredHandle()
	if err != nil {
		return nil, fmt.Errorf("identity: %s of %s: %w", h, did, err)
	}
	if declared != h {
		return nil, fmt.Errorf("identity: %w: %s calls itself %s, not %s", indigo.ErrHandleMismatch, did, declared, h)
	}
	id.Handle = h
	return &id, nil
}

// Refresh returns the identity of a DID as the network knows it now: nothing is taken from the cache, and
// [LocalAccounts] is asked for the handle only. It is for those who depend on the truth, such as before a DID that
// has moved is activated.
func (d *Directory) Refresh(ctx context.Context, did syntax.DID) (*indigo.Identity, error) {
	doc, err := d.documents.refresh(ctx, did)
	if err != nil {
		return nil, err
	}
	parsed := indigo.ParseIdentity(doc.parsed)
	if h, err := parsed.DeclaredHandle(); err == nil {
		d.handles.remove(h)
	}
	return d.identity(ctx, doc)
}

// Purge forgets what is remembered of a DID or a handle. It always succeeds.
func (d *Directory) Purge(_ context.Context, id syntax.AtIdentifier) error {
	if id.IsDID() {
		d.documents.remove(id.DID())
	} else {
		d.handles.remove(id.Handle().Normalize())
	}
	return nil
}

// ResolveDID returns a DID's document as the network knows it. [LocalAccounts] isn't asked. The caller doesn't change
// it.
func (d *Directory) ResolveDID(ctx context.Context, did syntax.DID) (*indigo.DIDDocument, error) {
	doc, err := d.documents.get(ctx, did)
	return doc.parsed, err
}

// ResolveDIDRaw does what ResolveDID does, and returns the JSON as it came.
func (d *Directory) ResolveDIDRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error) {
	doc, err := d.documents.get(ctx, did)
	return doc.raw, err
}

// ResolveHandle returns the DID that a handle leads to, which may not claim the handle.
func (d *Directory) ResolveHandle(ctx context.Context, h syntax.Handle) (syntax.DID, error) {
	h = h.Normalize()
	if _, err := syntax.ParseHandle(h.String()); err != nil || h.IsInvalidHandle() {
		return "", fmt.Errorf("identity: %w: %q", indigo.ErrInvalidHandle, h)
	}
	if d.local != nil {
		if did, err := d.local.LocalHandle(ctx, h); !errors.Is(err, indigo.ErrHandleNotFound) {
			return did, err
		}
	}
	switch {
	case d.isLocal(h):
		return "", fmt.Errorf("identity: %w: %s", indigo.ErrHandleNotFound, h)
	case !h.AllowedTLD():
		return "", fmt.Errorf("identity: %w: %s", indigo.ErrHandleReservedTLD, h)
	}
	return d.handles.get(ctx, h)
}

// isLocal says whether nobody but this server knows a handle.
func (d *Directory) isLocal(h syntax.Handle) bool {
	if h.TLD() == "test" {
		return true
	}
	for _, domain := range d.domains {
		if strings.HasSuffix(h.String(), domain) {
			return true
		}
	}
	return false
}

func (d *Directory) localDID(ctx context.Context, did syntax.DID) (*indigo.Identity, error) {
	if d.local == nil {
		return nil, indigo.ErrDIDNotFound
	}
	return d.local.LocalDID(ctx, did)
}
