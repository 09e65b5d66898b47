package plc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// DefaultURL is the public PLC directory.
const DefaultURL = "https://plc.directory"

const (
	// maxLogBytes bounds a directory's answer. The public directory takes 100 operations a week for a DID, so that long
	// logs exist.
	maxLogBytes = 16 << 20

	clientTimeout = 10 * time.Second
)

// ClientConfig says which directory a [Client] asks.
type ClientConfig struct {
	// URL is the directory's, without path. If zero, [DefaultURL].
	URL string

	// HTTP makes the requests. The directory is the operator's choice, so this needn't be a guarded client. If zero, a
	// client that follows no redirects, uses no proxy and gives up after 10 seconds.
	HTTP *http.Client

	// UserAgent is sent with each request. If zero, Go's own is.
	UserAgent string
}

// Client speaks to a PLC directory over HTTP. Its methods may be called from many goroutines.
//
// Each method's errors: [ErrNotPLC] for a DID of another method, before anything is sent; an [*Error] with the
// directory's status and message; [ErrUnavailable] if there is no proper answer. [ErrNotFound] stands for a DID that
// isn't registered and, for Data, one that is tombstoned.
type Client struct {
	url       string
	http      *http.Client
	userAgent string
}

// NewClient returns a client. Error: the URL isn't one of a directory.
func NewClient(c ClientConfig) (*Client, error) {
	base := strings.TrimSuffix(cmp.Or(c.URL, DefaultURL), "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("plc: %q isn't the URL of a directory", c.URL)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: clientTimeout, Transport: transport, CheckRedirect: noRedirect}
	}
	return &Client{url: base, http: client, userAgent: c.UserAgent}, nil
}

// transport takes no proxy from the environment, as http.DefaultTransport would.
var transport = &http.Transport{
	ForceAttemptHTTP2:   true,
	TLSHandshakeTimeout: clientTimeout,
	MaxIdleConnsPerHost: 8,
	IdleConnTimeout:     30 * time.Second,
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// URL returns the directory's URL, without final slash.
func (c *Client) URL() string { return c.url }

// Data returns the identity's state.
func (c *Client) Data(ctx context.Context, did syntax.DID) (Data, error) {
	var data Data
	if err := c.get(ctx, did, "/data", &data); err != nil {
		return Data{}, err
	}
	if data.DID != did {
		return Data{}, fmt.Errorf("%w: data of %q for %s", ErrUnavailable, data.DID, did)
	}
	return data, nil
}

// LastOp returns the last operation that is in force, which may be a [*Tombstone].
func (c *Client) LastOp(ctx context.Context, did syntax.DID) (Op, error) {
	var raw json.RawMessage
	if err := c.get(ctx, did, "/log/last", &raw); err != nil {
		return nil, err
	}
	op, err := ParseOp(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: last operation of %s", ErrUnavailable, did)
	}
	return op, nil
}

// Submit hands a signed operation to the directory. It is idempotent: an operation that the directory has as its last
// one already counts as submitted, as after an answer that got lost.
func (c *Client) Submit(ctx context.Context, did syntax.DID, op Op) error {
	want, err := CID(op)
	if err != nil {
		return err
	}
	body, err := json.Marshal(op)
	if err != nil {
		return fmt.Errorf("plc: %w", err)
	}
	refusal := c.do(ctx, http.MethodPost, did, "", body, nil)
	if refusal == nil || errors.Is(refusal, ErrNotPLC) || ctx.Err() != nil {
		return refusal
	}
	last, err := c.LastOp(ctx, did)
	if err != nil {
		return refusal
	}
	if have, err := CID(last); err != nil || !have.Equals(want) {
		return refusal
	}
	return nil
}

// get fetches what the directory says about a DID. What can't be read isn't the caller's fault but the directory's.
func (c *Client) get(ctx context.Context, did syntax.DID, path string, to any) error {
	return c.do(ctx, http.MethodGet, did, path, nil, to)
}

func (c *Client) do(ctx context.Context, method string, did syntax.DID, path string, body []byte, to any) error {
	if err := CheckDID(did); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+"/"+did.String()+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("plc: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxLogBytes+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if len(answer) > maxLogBytes {
		return fmt.Errorf("%w: answer of more than %d bytes", ErrUnavailable, maxLogBytes)
	}
	return readAnswer(resp.StatusCode, answer, to)
}

func readAnswer(status int, answer []byte, to any) error {
	switch {
	case status >= 200 && status < 300:
		if to == nil {
			return nil
		}
		if err := json.Unmarshal(answer, to); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil
	case status < 400:
		return fmt.Errorf("%w: status %d", ErrUnavailable, status)
	}
	var message struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &message) != nil {
		message.Message = "" // an answer of something in between; the status says enough
	}
	return &Error{Status: status, Message: message.Message}
}
