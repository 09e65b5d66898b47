package identity

import (
	"cmp"
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

func newCache[K ~string, V any](
	c DirectoryConfig, resolve func(context.Context, K) (V, error), isGone func(error) bool,
) *cache[K, V] {
	clock := c.Clock
	if clock == nil {
		clock = time.Now
	}
	return &cache[K, V]{
		size:    cmp.Or(c.CacheSize, 10_000),
		stale:   cmp.Or(c.StaleAfter, time.Hour),
		expire:  cmp.Or(c.ExpireAfter, 24*time.Hour),
		clock:   clock,
		resolve: resolve,
		isGone:  isGone,
		items:   map[K]*list.Element{},
		latest:  map[K]*resolution{},
	}
}

// fetchDocument asks the network for a DID document. Whatever goes wrong is ErrDIDNotFound or ErrDIDResolutionFailed.
func (d *Directory) fetchDocument(ctx context.Context, did syntax.DID) (document, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.fetchRaw(ctx, did)
	if err != nil && !errors.Is(err, indigo.ErrDIDNotFound) && !errors.Is(err, indigo.ErrDIDResolutionFailed) {
		err = fmt.Errorf("%w: %w", indigo.ErrDIDResolutionFailed, err)
	}
	if err != nil {
		return document{}, fmt.Errorf("identity: %s: %w", did, err)
	}
	doc := document{raw: raw, parsed: &indigo.DIDDocument{}}
	if err := json.Unmarshal(raw, doc.parsed); err != nil || doc.parsed.DID != did {
		return document{}, fmt.Errorf("identity: %s: %w: not its document", did, indigo.ErrDIDResolutionFailed)
	}
	return doc, nil
}

func (d *Directory) fetchRaw(ctx context.Context, did syntax.DID) (json.RawMessage, error) {
	if _, err := syntax.ParseDID(did.String()); err != nil {
		return nil, err
	}
	if did.Method() == "plc" {
		if plc.CheckDID(did) != nil {
			return nil, indigo.ErrDIDNotFound // nobody can register it
		}
		release, err := d.plcSlots.take(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		return d.plc.ResolveDIDRaw(ctx, did)
	}
	release, err := d.webSlots.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if host := localhost.FindStringSubmatch(did.String()); d.development && host != nil {
		return d.fetchLocalhost(ctx, host[1])
	}
	return d.web.ResolveDIDRaw(ctx, did)
}

var localhost = regexp.MustCompile(`^did:web:(localhost(?:%3A[0-9]{1,5})?)$`)

// fetchLocalhost fetches the document of a service under development.
func (d *Directory) fetchLocalhost(ctx context.Context, host string) (json.RawMessage, error) {
	host, err := url.PathUnescape(host)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/.well-known/did.json", nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.web.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return io.ReadAll(resp.Body)
	case http.StatusNotFound:
		return nil, indigo.ErrDIDNotFound
	}
	return nil, fmt.Errorf("status %d", resp.StatusCode)
}

// fetchHandle asks the network for a handle's DID: DNS first, and then, with time of its own, the well-known file. It
// is ErrHandleNotFound only if both say so.
func (d *Directory) fetchHandle(ctx context.Context, h syntax.Handle) (syntax.DID, error) {
	waiting, stop := context.WithTimeout(ctx, d.timeout)
	defer stop()
	release, err := d.webSlots.take(waiting)
	if err != nil {
		return "", fmt.Errorf("identity: %s: %w: %w", h, indigo.ErrHandleResolutionFailed, err)
	}
	defer release()
	steps := []func(context.Context, syntax.Handle) (syntax.DID, error){d.resolveTXT}
	if len(d.web.FallbackDNSServers) > 0 {
		steps = append(steps, d.web.ResolveHandleDNSFallback)
	}
	steps = append(steps, d.web.ResolveHandleWellKnown)
	var failure error
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(ctx, d.timeout)
		did, err := step(ctx, h)
		cancel()
		if err == nil {
			return did, nil
		}
		if errors.Is(err, errAmbiguous) {
			return "", fmt.Errorf("identity: %s: %w", h, err)
		}
		if failure == nil || errors.Is(failure, indigo.ErrHandleNotFound) {
			failure = err
		}
	}
	return "", fmt.Errorf("identity: %s: %w", h, failure)
}

// plcHTTP returns the client for the PLC directory, which may well be on a private address.
func plcHTTP(userAgent string) http.Client {
	c := newGuardedClient(GuardConfig{AllowPrivate: true, MaxRedirects: -1, UserAgent: userAgent}, nil)
	c.Transport = goneIsNotFound{c.Transport}
	return *c
}

// goneIsNotFound answers 404 for 410, by which a PLC directory's specification means a tombstoned DID, and indigo a
// directory in trouble.
type goneIsNotFound struct{ http.RoundTripper }

// RoundTrip makes one request.
func (g goneIsNotFound) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := g.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusGone {
		resp.StatusCode = http.StatusNotFound
	}
	return resp, err
}
