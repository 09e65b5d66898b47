package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// Header is the header by which a client names the service that its request is for.
const Header = "Atproto-Proxy"

// target is the service that a request is for.
type target struct {
	did     syntax.DID
	service string   // its ID in the DID's document, without "#"
	url     *url.URL // nil if it isn't known yet
	client  *http.Client
}

// String returns the target as the header names it.
func (t target) String() string { return t.did.String() + "#" + t.service }

// target finds out whom a request is for, without asking anybody.
func (h *Handler) target(id syntax.NSID, r *http.Request) (target, error) {
	named := r.Header.Get(Header)
	if named == "" {
		return h.defaultTarget(id)
	}
	t, err := parseTarget(named)
	if err != nil {
		return target{}, err
	}
	for _, located := range h.located {
		if located.String() == t.String() {
			return located, nil
		}
	}
	return t, nil
}

// defaultTarget is the service of the most specific rule.
func (h *Handler) defaultTarget(id syntax.NSID) (target, error) {
	best := -1
	for i, r := range h.rules {
		fits := r.exact && r.prefix == id.String() || !r.exact && strings.HasPrefix(id.String(), r.prefix)
		if fits && (best < 0 || r.exact || !h.rules[best].exact && len(r.prefix) > len(h.rules[best].prefix)) {
			best = i
		}
	}
	if best < 0 {
		return target{}, xrpc.StatusError(http.StatusNotImplemented, "Method Not Implemented")
	}
	return h.rules[best].target, nil
}

func parseTarget(raw string) (target, error) {
	did, service, _ := strings.Cut(raw, "#")
	switch {
	case did == "":
		return target{}, xrpc.InvalidRequest("no did specified in proxy header")
	case service == "":
		return target{}, xrpc.InvalidRequest("no service id specified in proxy header")
	case strings.ContainsAny(raw, " \t") || strings.Contains(service, "#"):
		return target{}, xrpc.InvalidRequest("invalid proxy header format")
	}
	parsed, err := syntax.ParseDID(did)
	if err != nil {
		return target{}, xrpc.InvalidRequest("invalid proxy header format")
	}
	return target{did: parsed, service: service}, nil
}

// resolve finds out where a target is, and by what client it is reached.
func (h *Handler) resolve(ctx context.Context, t target) (target, error) {
	t.client = h.trusted
	if t.url != nil {
		return t, nil
	}
	t.client = h.guarded
	raw, err := h.Accounts.Directory.ResolveDIDRaw(ctx, t.did)
	if errors.Is(err, indigo.ErrDIDNotFound) {
		return target{}, xrpc.InvalidRequest("could not resolve proxy did")
	}
	if err != nil {
		h.Logger.WarnContext(ctx, "proxy: a service's DID can't be resolved", "did", t.did, "err", err)
		return target{}, xrpc.StatusError(http.StatusBadGateway, "could not resolve proxy did")
	}
	var doc indigo.DIDDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return target{}, xrpc.InvalidRequest("could not resolve proxy did")
	}
	id := indigo.ParseIdentity(&doc)
	if t.url, err = parseOrigin(id.GetServiceEndpoint(t.service)); err != nil {
		return target{}, xrpc.InvalidRequest("could not resolve proxy did service url")
	}
	return t, nil
}
