package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/patch"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const (
	// maxPatched is the size of an answer above which it is passed on as it is, in bytes.
	maxPatched = 10 << 20

	repoRev     = "Atproto-Repo-Rev"
	upstreamLag = "Atproto-Upstream-Lag" // milliseconds by which the service lags behind
)

// patch passes a query on, and its answer back, with what the account has written since.
func (h *Handler) patch(w http.ResponseWriter, r *http.Request, did syntax.DID, t target, p patch.Patch) error {
	ctx, watch, stop := newWatch(r.Context(), h.IdleTimeout)
	defer stop()
	resp, err := h.send(ctx, watch, w, r, did, p.Method, t)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK && isJSON(resp.Header) {
		return h.patchAnswer(ctx, watch, w, r, resp, did, t, p)
	}
	if resp.StatusCode < 400 || p.Missing == nil {
		return h.stream(ctx, watch, w, resp, resp.Body)
	}
	refusal := h.refusal(w.Header(), resp)
	if e, ok := refusal.(*xrpc.Error); !ok || e.Name != "NotFound" {
		return refusal
	}
	share := h.budget.share()
	defer share.release()
	a, err := h.answer(ctx, r, resp, share, did, t, p)
	if err == nil && a != nil {
		err = guard(func() error { return p.Missing(ctx, a) })
	}
	if err != nil {
		h.Logger.WarnContext(ctx, "proxy: a patch failed", "method", p.Method, "err", err)
	}
	if err != nil || a == nil || a.Body == nil {
		return refusal
	}
	return h.respond(watch, w, a)
}

// patchAnswer patches an answer. Should that fail, the client gets the answer as it is.
func (h *Handler) patchAnswer(
	ctx context.Context, watch *watch, w http.ResponseWriter, r *http.Request, resp *http.Response,
	did syntax.DID, t target, p patch.Patch,
) error {
	share := h.budget.share()
	defer share.release()
	a, err := h.answer(ctx, r, resp, share, did, t, p)
	if err != nil {
		h.Logger.WarnContext(ctx, "proxy: a patch failed", "method", p.Method, "err", err)
	}
	if err != nil || a == nil {
		return h.stream(ctx, watch, w, resp, resp.Body)
	}
	var raw bytes.Buffer
	_, err = io.Copy(&raw, share.reader(io.LimitReader(resp.Body, maxPatched+1)))
	if err != nil && err != errBudget {
		return h.failure(ctx, t.url.Host, err)
	}
	if err == nil {
		err = decode(resp.Header, bytes.NewReader(raw.Bytes()), maxPatched, share, &a.Body)
	}
	if err == nil && a.Body != nil {
		err = guard(func() error { return p.Apply(ctx, a) })
	}
	if err != nil || a.Body == nil {
		h.Logger.WarnContext(ctx, "proxy: a patch failed", "method", p.Method, "err", err)
		return h.stream(ctx, watch, w, resp, io.MultiReader(&raw, resp.Body))
	}
	h.incoming(w.Header(), resp.Header)
	return h.respond(watch, w, a)
}

// guard turns a panic of a patch, which works on what a service has answered, into an error.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("proxy: a patch panicked: %v", v)
		}
	}()
	return f()
}

func (h *Handler) respond(watch *watch, w http.ResponseWriter, a *patch.Answer) error {
	body, err := json.Marshal(a.Body)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set(upstreamLag, strconv.FormatInt(h.Now().Sub(a.Records[0].Time).Milliseconds(), 10))
	// In pieces, each of which the client has to take in time: it holds memory that others wait for.
	if _, err := io.Copy(watchedWriter{w, watch, false}, struct{ io.Reader }{bytes.NewReader(body)}); err != nil {
		return context.Canceled
	}
	return nil
}

// answer prepares an answer for a patch, without the body. It is nil if there is nothing to patch: the service doesn't say
// how far it has come, or has come far enough.
func (h *Handler) answer(
	ctx context.Context, r *http.Request, resp *http.Response, share *share,
	did syntax.DID, t target, p patch.Patch,
) (*patch.Answer, error) {
	rev, err := syntax.ParseTID(resp.Header.Get(repoRev))
	if err != nil {
		return nil, nil
	}
	records, err := h.newer(ctx, did, p.Collections, rev)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	account, err := h.Accounts.Store.Account(ctx, did)
	if err != nil {
		return nil, err
	}
	return &patch.Answer{
		Params: r.URL.Query(), Account: account, Records: records,
		Ask: func(ctx context.Context, id syntax.NSID, params url.Values) (map[string]any, error) {
			token, err := h.token(ctx, did, id, t, params)
			if err != nil {
				return nil, err
			}
			var out map[string]any
			err = h.ask(ctx, t, id, token, params, maxPatched, share, &out)
			return out, err
		},
		Record: func(ctx context.Context, collection syntax.NSID, key syntax.RecordKey) (map[string]any, error) {
			return h.record(ctx, did, collection, key)
		},
		Handle: func(ctx context.Context, handle syntax.Handle) (syntax.DID, error) {
			a, err := h.Accounts.Store.AccountByHandle(ctx, handle.Normalize())
			return a.DID, err
		},
	}, nil
}
