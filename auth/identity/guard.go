package identity

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

var (
	// ErrForbidden: a guarded client doesn't go where the URL points to.
	ErrForbidden = errors.New("identity: forbidden URL")

	// ErrTooLarge: an answer has more bytes than a guarded client reads.
	ErrTooLarge = errors.New("identity: answer too large")
)

// GuardConfig says what a guarded client may do.
type GuardConfig struct {
	// Timeout ends a request with all its redirects and the reading of its body. If zero, 10 seconds; if negative,
	// never.
	Timeout time.Duration

	// HeaderTimeout is how long to wait for a connection, for its encryption, and for the answer's headers, each. If
	// zero, 5 seconds.
	HeaderTimeout time.Duration

	// MaxBytes is the size of an answer's body, after decompression, from which on reading it fails with
	// [ErrTooLarge]. If zero, 512 KiB; if negative, there is no limit.
	MaxBytes int64

	// MaxRedirects is the number of redirects to follow, each to an address that is checked like the first. One more
	// is an error. If zero, 3; if negative, none.
	MaxRedirects int

	// Ports are those that may be connected to. If zero, 443, and with AllowHTTP 80 too.
	Ports []uint16

	// AllowHTTP allows plain http. If zero, https only.
	AllowHTTP bool

	// AllowPrivate allows every address, every port and plain http: for development, and for networks that are cut off
	// from the world. If zero, only addresses of the public internet are.
	AllowPrivate bool

	// UserAgent is sent with requests that have none. If zero, Go's own is.
	UserAgent string
}

// NewGuardedClient returns a client for URLs that somebody else chose. The address is checked when the connection is
// made, after every name has been resolved, so that no DNS answer gets around it: loopback, link-local, private and
// other special addresses are refused, in IPv4, in IPv6, and in IPv6 forms of IPv4 addresses.
//
// It keeps no cookies and takes no proxy from the environment. A URL that it doesn't go to, or is redirected to, is an
// error that wraps [ErrForbidden].
func NewGuardedClient(c GuardConfig) *http.Client { return newGuardedClient(c, guardControl(c)) }

// control checks an address to connect to, as that of a [net.Dialer].
type control func(network, address string, _ syscall.RawConn) error

// guardControl returns nil if every address is allowed.
func guardControl(c GuardConfig) control {
	if c.AllowPrivate {
		return nil
	}
	ports := c.Ports
	if ports == nil {
		ports = []uint16{443}
		if c.AllowHTTP {
			ports = append(ports, 80)
		}
	}
	guardian := ssrf.New(ssrf.WithPorts(ports...))
	return func(network, address string, conn syscall.RawConn) error {
		if err := guardian.Safe(network, address, conn); err != nil {
			return fmt.Errorf("%w: %w", ErrForbidden, err)
		}
		return nil
	}
}

func newGuardedClient(c GuardConfig, check control) *http.Client {
	headerTimeout := cmp.Or(c.HeaderTimeout, 5*time.Second)
	dialer := &net.Dialer{Timeout: headerTimeout, Control: check}
	redirects := cmp.Or(c.MaxRedirects, 3)
	return &http.Client{
		Timeout: max(0, cmp.Or(c.Timeout, 10*time.Second)),
		Transport: &guardedTransport{
			transport: &http.Transport{
				DialContext:            dialer.DialContext,
				ForceAttemptHTTP2:      true,
				TLSHandshakeTimeout:    headerTimeout,
				ResponseHeaderTimeout:  headerTimeout,
				MaxResponseHeaderBytes: 64 << 10,
				MaxIdleConns:           100,
				MaxIdleConnsPerHost:    2,
				IdleConnTimeout:        30 * time.Second,
			},
			allowHTTP: c.AllowHTTP || c.AllowPrivate,
			maxBytes:  cmp.Or(c.MaxBytes, 512<<10),
			userAgent: c.UserAgent,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return fmt.Errorf("%w: more than %d redirects", ErrForbidden, max(0, redirects))
			}
			return nil
		},
	}
}

// guardedTransport checks each URL, the first and those of redirects, and limits each answer.
type guardedTransport struct {
	transport *http.Transport
	allowHTTP bool
	maxBytes  int64 // negative for no limit
	userAgent string
}

// RoundTrip makes one request.
func (t *guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.check(r); err != nil {
		if r.Body != nil {
			err = errors.Join(err, r.Body.Close())
		}
		return nil, err
	}
	if t.userAgent != "" && r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", t.userAgent)
	}
	resp, err := t.transport.RoundTrip(r)
	if err != nil || t.maxBytes < 0 {
		return resp, err
	}
	if resp.ContentLength > t.maxBytes {
		return nil, errors.Join(fmt.Errorf("%w: %d bytes", ErrTooLarge, resp.ContentLength), resp.Body.Close())
	}
	resp.Body = &limitedBody{resp.Body, t.maxBytes}
	return resp, nil
}

func (t *guardedTransport) check(r *http.Request) error {
	switch {
	case r.URL.Scheme != "https" && !(t.allowHTTP && r.URL.Scheme == "http"):
		return fmt.Errorf("%w: scheme %q", ErrForbidden, r.URL.Scheme)
	case r.URL.User != nil:
		return fmt.Errorf("%w: credentials", ErrForbidden)
	}
	return nil
}

// CloseIdleConnections closes the connections that no request uses.
func (t *guardedTransport) CloseIdleConnections() { t.transport.CloseIdleConnections() }

// limitedBody fails where a plain io.LimitReader would take a part for the whole.
type limitedBody struct {
	io.ReadCloser
	left int64
}

// Read reads up to the limit, and one byte more to see whether there is more.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) <= b.left {
		b.left -= int64(n)
		return n, err
	}
	n, b.left = int(b.left), -1
	return n, ErrTooLarge
}
