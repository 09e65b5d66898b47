package proxy

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

const (
	getFeed         syntax.NSID = "app.bsky.feed.getFeed"
	getFeedSkeleton syntax.NSID = "app.bsky.feed.getFeedSkeleton"
	getRecord       syntax.NSID = "com.atproto.repo.getRecord"
)

// maxRecordBody limits a feed's record, in bytes.
const maxRecordBody = 64 << 10

// feedAudience returns the DID of the service that generates a feed. An AppView hands the token of getFeed on to it, as
// one for app.bsky.feed.getFeedSkeleton. The AppView knows the feed's record, which names the service.
func (h *Handler) feedAudience(ctx context.Context, t target, feed string) (string, error) {
	uri, err := syntax.ParseATURI(feed)
	if err != nil || uri.RecordKey() == "" {
		return "", xrpc.InvalidRequest(`Error: Param "feed" must be the AT URI of a record`)
	}
	var record struct{ Value struct{ DID any } }
	err = h.ask(ctx, t, getRecord, "", url.Values{
		"repo": {uri.Authority().String()}, "collection": {uri.Collection().String()}, "rkey": {uri.RecordKey().String()},
	}, maxRecordBody, nil, &record)
	if err != nil {
		return "", err
	}
	raw, _ := record.Value.DID.(string)
	did, err := syntax.ParseDID(raw)
	if err != nil { // anybody may publish such a record
		return "", xrpc.Errorf("UnknownFeed", "could not resolve feed did")
	}
	return did.String(), nil
}

// ask has a target answer a query, whose JSON of up to limit bytes it decodes into out. Without a token it is asked as by
// anybody.
func (h *Handler) ask(
	ctx context.Context, t target, id syntax.NSID, token string, params url.Values, limit int64, share *share, out any,
) error {
	u := *t.url
	u.Path, u.RawQuery = xrpc.Prefix+id.String(), params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header = http.Header{"Accept-Encoding": {"gzip"}}
	if h.UserAgent != "" {
		req.Header.Set("User-Agent", h.UserAgent)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return h.failure(ctx, u.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return h.refusal(http.Header{}, resp)
	}
	if err := readJSON(resp, limit, share, out); err != nil {
		return xrpc.StatusError(http.StatusBadGateway, "Upstream service answers what can't be read")
	}
	return nil
}
