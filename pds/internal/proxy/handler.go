package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Config says how to make a [Handler].
type Config struct {
	// Required.

	Accounts *hosting.Accounts
	Records  storage.RepoReader
	Engine   *repo.Engine // finds new records
	Keys     service.KeySource

	Now    func() time.Time
	Logger *slog.Logger

	// Optional.

	Services        []Service     // If nil, only services that clients name are reached.
	Patches         []patch.Patch // of answers. If nil, none.
	ServiceAudience bool          // whether tokens name the service behind the DID
	RequestHeaders  []string      // passed on beside those that always are
	ResponseHeaders []string      // likewise, on the way back
	MaxRequest      int64         // bytes of a request's body. If zero, 100 MiB.
	HeaderTimeout   time.Duration // to wait for a connection, and for an answer to begin, each. If zero, 10 seconds.
	IdleTimeout     time.Duration // to wait for the next bytes of a body. If zero, 30 seconds.
	SocketTimeout   time.Duration // to wait for the next bytes of a WebSocket. If zero, 5 minutes.
	Development     bool          // whether services that clients name may have private addresses
	UserAgent       string
}

// Service answers methods for the server's accounts.
type Service struct {
	ID      string   // the service's DID, "#", and its ID in the DID's document
	URL     string   // if zero, what the DID's document says
	Methods []string // NSIDs; namespaces with ".*" behind; or "*". If nil, those that clients ask it for by name.
}

// Handler passes requests on.
type Handler struct {
	Config
	rules   []rule
	located []target // services of which the operator has told where they are
	patches map[syntax.NSID]patch.Patch
	trusted *http.Client // for services that the operator has chosen
	guarded *http.Client // for those that a client has
	budget  budget       // of what is held to be patched
}

// New returns a Handler. It reports everything that is wrong with the services.
func New(c Config) (*Handler, error) {
	c.MaxRequest = cmp.Or(c.MaxRequest, 100<<20)
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 30*time.Second)
	c.SocketTimeout = cmp.Or(c.SocketTimeout, 5*time.Minute)
	h := &Handler{
		Config:  c,
		patches: make(map[syntax.NSID]patch.Patch, len(c.Patches)),
		trusted: trustedClient(c.HeaderTimeout),
		guarded: identity.NewGuardedClient(identity.GuardConfig{
			Timeout: -1, HeaderTimeout: c.HeaderTimeout, MaxBytes: -1, MaxRedirects: -1, AllowPrivate: c.Development,
		}),
	}
	var errs []error
	for _, service := range c.Services {
		t, rules, err := service.parse()
		if t.url != nil {
			h.located = append(h.located, t)
		}
		h.rules = append(h.rules, rules...)
		errs = append(errs, err)
	}
	for _, p := range c.Patches {
		if p.Method == "" || p.Apply == nil || len(p.Collections) == 0 {
			errs = append(errs, fmt.Errorf("proxy: the patch of %q is incomplete", p.Method))
		}
		h.patches[p.Method] = p
	}
	return h, errors.Join(errs...)
}

// trustedClient returns a client for services that the operator has chosen. They may be next door.
func trustedClient(headerTimeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.DialContext = (&net.Dialer{Timeout: headerTimeout}).DialContext
	t.TLSHandshakeTimeout = headerTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConnsPerHost = t.MaxIdleConns
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}
}

var errRedirect = errors.New("proxy: the service redirects")

// rule sends a namespace to a service.
type rule struct {
	prefix string // of NSIDs; or a whole one, if exact
	exact  bool
	target target
}

func (s Service) parse() (target, []rule, error) {
	t, err := parseTarget(s.ID)
	if err != nil {
		return target{}, nil, fmt.Errorf("proxy: service %q: no DID with the ID of a service", s.ID)
	}
	if s.URL != "" {
		if t.url, err = parseOrigin(s.URL); err != nil {
			return target{}, nil, fmt.Errorf("proxy: service %q: %w", s.ID, err)
		}
	}
	rules := make([]rule, len(s.Methods))
	for i, m := range s.Methods {
		prefix, wild := strings.CutSuffix(m, "*")
		if wild && prefix != "" && !strings.HasSuffix(prefix, ".") {
			return target{}, nil, fmt.Errorf("proxy: service %q: %q is no namespace", s.ID, m)
		}
		rules[i] = rule{prefix, !wild, t}
	}
	return t, rules, nil
}

// parseOrigin parses the URL of an origin.
func parseOrigin(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the URL of an origin", raw)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}
