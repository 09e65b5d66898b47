package proxy

import (
	"net/http"
	"strconv"
	"strings"
)

// requestHeaders go along with a request. Nothing that tells more of the client does: no cookie, address or user agent.
var requestHeaders = []string{"Accept-Language", "Atproto-Accept-Labelers", "X-Bsky-Topics"}

// bodyHeaders go along with a request that has a body.
var bodyHeaders = []string{"Content-Type", "Content-Encoding", "Content-Language"}

// responseHeaders come back with every answer, also with an error.
var responseHeaders = []string{"Atproto-Repo-Rev", "Atproto-Content-Labelers", "Retry-After"}

// contentHeaders come back with an answer that is passed on as it is.
var contentHeaders = []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Length"}

// outgoing returns the headers of the request that is made for r. Those that we set ourselves come last: no list has the
// client's credentials go along.
func (h *Handler) outgoing(r *http.Request, token string) http.Header {
	out := http.Header{}
	copyHeaders(out, r.Header, requestHeaders)
	copyHeaders(out, r.Header, h.RequestHeaders)
	if r.Method == http.MethodPost {
		copyHeaders(out, r.Header, bodyHeaders)
	}
	if h.UserAgent != "" {
		out.Set("User-Agent", h.UserAgent)
	}
	out.Del("Authorization")
	if token != "" {
		out.Set("Authorization", "Bearer "+token)
	}
	out.Set("Accept-Encoding", encoding(r.Header))
	return out
}

func copyHeaders(to, from http.Header, names []string) {
	for _, name := range names {
		if values := from.Values(name); len(values) > 0 {
			to[http.CanonicalHeaderKey(name)] = values
		}
	}
}

// incoming adds the headers that come back with every answer. What a service sends isn't to be shown as a page of this
// server's origin.
func (h *Handler) incoming(to, from http.Header) {
	copyHeaders(to, from, responseHeaders)
	copyHeaders(to, from, h.ResponseHeaders)
	to.Set("X-Content-Type-Options", "nosniff")
	to.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}

// encoding is the encoding that both the client and we understand.
func encoding(h http.Header) string {
	accepted := false
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		named := strings.EqualFold(strings.TrimSpace(name), "gzip")
		if !named && strings.TrimSpace(name) != "*" {
			continue
		}
		q, given := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		if accepted = !given || err == nil && weight > 0; named {
			break // what is said of others doesn't count
		}
	}
	if accepted {
		return "gzip"
	}
	return "identity"
}
