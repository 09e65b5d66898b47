package pds

import (
	"net/url"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/internal/bsky"
	"github.com/pdskit/pdskit/pds/internal/preference"
	"github.com/pdskit/pdskit/pds/internal/proxy"
	"github.com/pdskit/pdskit/pds/patch"
)

// Proxy says who answers methods that the server doesn't have, for its accounts. A client may name any service of the
// network by the header Atproto-Proxy.
//
// The service that is set for com.atproto.repo.getRecord also answers for the repos that aren't here, to anybody.
//
// Spec: https://atproto.com/specs/xrpc#service-proxying
type Proxy struct {
	// Services are asked where the client names none. If nil, such requests are answered by 501 MethodNotImplemented. The two
	// methods that register devices for notifications (app.bsky.notification.registerPush and its opposite) go to the
	// service that their body names, as long as one of these answers them otherwise.
	Services []Service

	// Patches bring answers up to date with what an account has just written. One takes the place of a built-in patch of
	// the same method. If nil, there are only those that are built in, of six methods of app.bsky.
	Patches []patch.Patch

	// ImageURL returns where an image of a post or profile is served that a patch shows. The kind is avatar, banner,
	// feed_thumbnail or feed_fullsize. If nil, the blob as this server has it.
	ImageURL func(kind string, did syntax.DID, cid string) string

	// ServiceAudience has service tokens name the service behind the DID, as in "did:web:api.example.com#appview". If zero,
	// they name the DID alone, which older services expect.
	ServiceAudience bool

	// RequestHeaders and ResponseHeaders are passed on beside those that always are. If nil, no others are.
	RequestHeaders, ResponseHeaders []string

	// MaxRequest limits the body of a request that is passed on, in bytes. If zero, 100 MiB.
	MaxRequest int64

	// HeaderTimeout is how long to wait for a connection to a service, and for its answer to begin, each. If zero, 10
	// seconds.
	HeaderTimeout time.Duration

	// IdleTimeout is how long to wait for the next bytes of a body, in either direction. If zero, 30 seconds.
	IdleTimeout time.Duration

	// SocketTimeout is how long to wait for the next bytes of a subscription. If zero, 5 minutes.
	SocketTimeout time.Duration
}

// Service is another service.
type Service struct {
	// ID is the service's DID, "#", and its ID in the DID's document: "did:web:api.example.com#appview".
	ID string

	// URL is that of the service's origin, which may be on a private address. If zero, what the DID's document says.
	URL string

	// Methods are those that it answers: NSIDs, namespaces such as "com.example.*", or "*" for all. The most specific one
	// of all services counts. If nil, it answers those for which clients name it.
	Methods []string
}

// PreferenceNamespace is a namespace of preferences that the server keeps. See app.bsky.actor.getPreferences, for which
// there is one in any case.
type PreferenceNamespace struct {
	Name string      // of which all types of preferences are, such as "com.example"; none is within another
	Get  syntax.NSID // the query that returns them
	Put  syntax.NSID // the procedure that replaces them

	// Private are the types that only people who have logged in with the account's own password see and change. If nil,
	// there are none.
	Private []string
}

// services are what has to do with other services.
type services struct {
	proxy *proxy.Handler
	auth  *service.Verifier
}

func (s *Server) services(c *Config) (*services, error) {
	image := c.Proxy.ImageURL
	if image == nil {
		image = func(_ string, did syntax.DID, cid string) string {
			return c.PublicURL + "/xrpc/com.atproto.sync.getBlob?" +
				url.Values{"did": {did.String()}, "cid": {cid}}.Encode()
		}
	}
	cfg := proxy.Config{
		Accounts: s.hosted, Records: s.store, Engine: s.engine, Keys: c.Keys,
		Patches:         append((&bsky.Viewer{ImageURL: image}).Patches(), c.Proxy.Patches...),
		ServiceAudience: c.Proxy.ServiceAudience,
		RequestHeaders:  c.Proxy.RequestHeaders,
		ResponseHeaders: c.Proxy.ResponseHeaders,
		MaxRequest:      c.Proxy.MaxRequest,
		HeaderTimeout:   c.Proxy.HeaderTimeout,
		IdleTimeout:     c.Proxy.IdleTimeout,
		SocketTimeout:   c.Proxy.SocketTimeout,
		Development:     c.Development,
		UserAgent:       "pdskit",
		Now:             c.Now,
		Logger:          c.Logger,
	}
	for _, service := range c.Proxy.Services {
		cfg.Services = append(cfg.Services, proxy.Service(service))
	}
	p, err := proxy.New(cfg)
	if err != nil {
		return nil, err
	}
	a, err := service.New(service.Config{
		Audiences: []string{c.DID.String(), c.DID.String() + "#atproto_pds"},
		Document:  s.identity.ResolveDIDRaw, Refresh: s.identity.Refresh, Used: s.store,
		Moderators: c.Moderators, Now: c.Now,
	})
	return &services{p, a}, err
}

func (s *Server) preferences(c *Config, p *proxy.Handler) *preference.Handler {
	namespaces := []preference.Namespace{preference.Bsky}
	for _, n := range c.Preferences {
		namespaces = append(namespaces, preference.Namespace{Name: n.Name, Get: n.Get, Put: n.Put, Private: n.Private})
	}
	return &preference.Handler{
		Accounts: s.hosted, Documents: s.store, Namespaces: namespaces, Proxy: p, Now: c.Now,
	}
}
