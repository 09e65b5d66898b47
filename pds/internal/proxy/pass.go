package proxy

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/service"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// pass passes a request on, and its answer back, as they are.
func (h *Handler) pass(w http.ResponseWriter, r *http.Request, did syntax.DID, id syntax.NSID, t target) error {
	ctx, watch, stop := newWatch(r.Context(), h.IdleTimeout)
	defer stop()
	resp, err := h.send(ctx, watch, w, r, did, id, t)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return h.stream(ctx, watch, w, resp, resp.Body)
}

// send makes the request that r is about, and returns an answer that is a success. Errors are an *xrpc.Error, or the
// fault of the client or of this server.
func (h *Handler) send(
	ctx context.Context, watch *watch, w http.ResponseWriter, r *http.Request,
	did syntax.DID, id syntax.NSID, t target,
) (*http.Response, error) {
	out, err := h.request(ctx, r, did, id, t)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost && r.Body != nil && r.ContentLength != 0 {
		out.Body = requestBody{watchedReader{r.Body, watch}, h.HeaderTimeout}
		out.ContentLength = r.ContentLength
		// The transport, and the server after it, would wait for the rest of a body that doesn't go on.
		defer context.AfterFunc(ctx, func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) })()
	}
	watch.wait(3 * h.HeaderTimeout) // a connection, its encryption, and the answer
	resp, err := t.client.Do(out)
	if err != nil {
		return nil, h.failure(ctx, t.url.Host, err)
	}
	watch.touch()
	resp.Body = watchedReader{resp.Body, watch}
	return resp, nil
}

// request makes the request for a target, without the body. Without an account it is anybody's.
func (h *Handler) request(
	ctx context.Context, r *http.Request, did syntax.DID, id syntax.NSID, t target,
) (*http.Request, error) {
	token := ""
	if did != "" {
		var err error
		if token, err = h.token(ctx, did, id, t, r.URL.Query()); err != nil {
			return nil, err
		}
	}
	u := *t.url
	u.Path, u.RawQuery = xrpc.Prefix+id.String(), r.URL.RawQuery
	out, err := http.NewRequestWithContext(ctx, r.Method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	out.Header = h.outgoing(r, token)
	return out, nil
}

// token signs a service token for a call of a method.
func (h *Handler) token(
	ctx context.Context, did syntax.DID, id syntax.NSID, t target, params url.Values,
) (string, error) {
	audience := t.did.String()
	if h.ServiceAudience {
		audience = t.String()
	}
	if id == getFeed {
		var err error
		if audience, err = h.feedAudience(ctx, t, params.Get("feed")); err != nil {
			return "", err
		}
		id = getFeedSkeleton
	}
	return service.Token{Issuer: did, Audience: audience, Method: id}.Sign(ctx, h.Keys, h.Now())
}

// stream answers with what a service answers, as it comes. body is what is left of the answer's.
func (h *Handler) stream(
	ctx context.Context, watch *watch, w http.ResponseWriter, resp *http.Response, body io.Reader,
) error {
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return h.refusal(w.Header(), resp)
	}
	h.incoming(w.Header(), resp.Header)
	copyHeaders(w.Header(), resp.Header, contentHeaders)
	w.WriteHeader(resp.StatusCode)
	out := watchedWriter{w, watch, resp.ContentLength < 0}
	if _, err := io.Copy(out, body); err != nil {
		return h.failure(ctx, resp.Request.URL.Host, err) // the client sees that the answer is cut off
	}
	return nil
}
