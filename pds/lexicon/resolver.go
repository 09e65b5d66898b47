package lexicon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"golang.org/x/sync/singleflight"
)

var (
	// ErrNotFound: nobody publishes the lexicon, as far as can be seen.
	ErrNotFound = errors.New("lexicon: not found")

	// ErrResolution: it couldn't be found out whether the lexicon is published, or what is published isn't one, or isn't
	// proved to be its authority's.
	ErrResolution = errors.New("lexicon: resolution failed")
)

// ResolverConfig says how a [Resolver] resolves.
type ResolverConfig struct {
	// Required.

	// Directory finds the repo's server and its key. An auth/identity.Directory, for example.
	Directory interface {
		LookupDID(ctx context.Context, did syntax.DID) (*identity.Identity, error)
	}

	// HTTP fetches from servers that somebody else chose. It follows that it guards itself: one of
	// auth/identity.NewGuardedClient, for example.
	HTTP *http.Client

	// The rest is optional.

	// LookupTXT returns the TXT records of a domain name. If nil, the system's resolver does.
	LookupTXT func(ctx context.Context, name string) ([]string, error)

	// Authority is the account that publishes all lexicons, for networks that are cut off from the world. If zero, DNS
	// names a lexicon's authority.
	Authority syntax.DID

	// CacheSize is the number of lexicons to remember, of at most 8 MiB together. If zero, 1,000.
	CacheSize int

	// TTL is for how long a lexicon is remembered. If zero, 5 minutes.
	TTL time.Duration

	// NegativeTTL is for how long it is remembered that a lexicon can't be had. If zero, a minute.
	NegativeTTL time.Duration

	// Timeout bounds one resolution. If zero, 10 seconds.
	Timeout time.Duration

	// Now is the clock. If nil, time.Now.
	Now func() time.Time
}

// Resolver finds lexicons in the network: the authority in DNS, its repo by its DID, and in it the record of
// com.atproto.lexicon.schema whose key is the lexicon's ID, with the proof that it is in the repo. Its methods may be
// called from many goroutines.
//
// Spec: https://atproto.com/specs/lexicon#lexicon-publication-and-resolution
type Resolver struct {
	cfg   ResolverConfig
	cache *cache
	group singleflight.Group
	slots chan struct{} // one for each resolution under way
}

// maxResolutions bounds the resolutions under way at the same time. Others wait, and their time runs.
const maxResolutions = 16

// Resolved is a lexicon as it is published.
type Resolved struct {
	URI    syntax.ATURI
	CID    cid.Cid
	Record map[string]any // of the data model, as package atdata of indigo represents it; not to be changed

	doc  *document
	size int // of the record, in bytes
}

// NewResolver returns a resolver. It asks nobody yet. Error: something required is missing.
func NewResolver(c ResolverConfig) (*Resolver, error) {
	if c.Directory == nil || c.HTTP == nil {
		return nil, errors.New("lexicon: ResolverConfig.Directory and ResolverConfig.HTTP are required")
	}
	if c.LookupTXT == nil {
		c.LookupTXT = net.DefaultResolver.LookupTXT
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.TTL = cmp.Or(c.TTL, 5*time.Minute)
	c.NegativeTTL = cmp.Or(c.NegativeTTL, time.Minute)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	return &Resolver{cfg: c, cache: newCache(cmp.Or(c.CacheSize, 1000)), slots: make(chan struct{}, maxResolutions)}, nil
}

// Resolve returns a lexicon. Calls for the same one at the same time share one resolution, which goes on if the caller
// who began it leaves.
//
// Errors: [ErrNotFound], [ErrResolution], that of ctx.
func (r *Resolver) Resolve(ctx context.Context, id syntax.NSID) (*Resolved, error) {
	if known := r.cache.get(id, r.cfg.Now()); known != nil {
		return known.found, known.err
	}
	if _, err := syntax.ParseNSID(id.String()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	result := r.group.DoChan(id.String(), func() (any, error) { return r.resolve(context.WithoutCancel(ctx), id) })
	select {
	case got := <-result:
		found, _ := got.Val.(*Resolved)
		return found, got.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// resolve resolves a lexicon, and remembers what came of it.
func (r *Resolver) resolve(ctx context.Context, id syntax.NSID) (*Resolved, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %s: too many others", ErrResolution, id)
	}
	found, err := r.fetch(ctx, id)
	ttl, weight := r.cfg.NegativeTTL, 0
	if err == nil {
		ttl, weight = r.cfg.TTL, found.size
	}
	r.cache.put(&resolution{id: id, found: found, err: err, expire: r.cfg.Now().Add(ttl), weight: weight})
	return found, err
}

// known returns a lexicon that is remembered, or nil.
func (r *Resolver) known(id syntax.NSID) *document {
	if known := r.cache.get(id, r.cfg.Now()); known != nil && known.found != nil {
		return known.found.doc
	}
	return nil
}
