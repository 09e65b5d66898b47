package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds"
)

// services are the other services that answer for the server's accounts.
type services struct {
	AppView, Moderation, Reports service
	ImageURL                     string // with %s for the kind, the DID and the CID
	HeaderTimeout, IdleTimeout   time.Duration
}

// service is another service, with a zero DID for none.
type service struct {
	DID syntax.DID
	URL string
}

func readServices(env environment) (s services, err error) {
	var errs [5]error
	s.AppView, errs[0] = newService(env.text("PDS_BSKY_APP_VIEW_URL", ""), env.text("PDS_BSKY_APP_VIEW_DID", ""))
	s.Moderation, errs[1] = newService(env.text("PDS_MOD_SERVICE_URL", ""), env.text("PDS_MOD_SERVICE_DID", ""))
	s.Reports, errs[2] = newService(env.text("PDS_REPORT_SERVICE_URL", ""), env.text("PDS_REPORT_SERVICE_DID", ""))
	s.ImageURL = env.text("PDS_BSKY_APP_VIEW_CDN_URL_PATTERN", "")
	var header, idle int
	header, errs[3] = env.number("PDS_PROXY_HEADERS_TIMEOUT", 0)
	idle, errs[4] = env.number("PDS_PROXY_BODY_TIMEOUT", 0)
	s.HeaderTimeout, s.IdleTimeout = time.Duration(header)*time.Millisecond, time.Duration(idle)*time.Millisecond
	return s, errors.Join(errs[:]...)
}

// newService returns a service, which is there if it has a URL, and needs a DID then.
func newService(url, did string) (service, error) {
	if url == "" {
		return service{}, nil
	}
	parsed, err := syntax.ParseDID(did)
	if err != nil {
		return service{}, fmt.Errorf("the service at %s needs its DID: %w", url, err)
	}
	return service{DID: parsed, URL: url}, nil
}

// apply sets what the services mean for the library. The AppView answers whatever the server and the others don't; who
// moderates gets the reports, too, unless somebody else does.
func (s services) apply(c *pds.Config) {
	if s.Reports.URL == "" {
		s.Reports = s.Moderation
	}
	add := func(to service, id string, methods ...string) {
		if to.URL != "" {
			c.Proxy.Services = append(c.Proxy.Services, pds.Service{ID: to.DID.String() + "#" + id, URL: to.URL, Methods: methods})
		}
	}
	add(s.AppView, "bsky_appview", "*")
	add(s.Moderation, "atproto_labeler", "tools.ozone.*")
	add(s.Reports, "atproto_labeler", "com.atproto.moderation.createReport")
	if s.Moderation.URL != "" {
		c.Moderators = []syntax.DID{s.Moderation.DID}
	}
	if s.ImageURL != "" {
		c.Proxy.ImageURL = s.image
	}
	c.Proxy.HeaderTimeout, c.Proxy.IdleTimeout = s.HeaderTimeout, s.IdleTimeout
}

func (s services) image(kind string, did syntax.DID, cid string) string {
	u := s.ImageURL
	for _, part := range []string{kind, did.String(), cid} {
		u = strings.Replace(u, "%s", part, 1)
	}
	return u
}
