package xrpc

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// Prefix is the path under which methods are served.
const Prefix = "/xrpc/"

// MuxConfig configures a [Mux].
type MuxConfig struct {
	// Required.

	Authenticator auth.Authenticator

	// Accounts knows the callers' accounts. It is required if a method's policy asks for one: see
	// [auth.Policy.In].
	Accounts auth.Accounts

	// Errors translates errors that a method returned and that aren't an [*Error] yet; nil for those that are none of
	// the client's business. If nil, all of them are.
	Errors func(error) *Error

	// Fallback finds a method for a request whose method isn't registered. It is served like any other: its policy holds,
	// and its body is limited. If nil, such requests are answered by 501 MethodNotImplemented.
	Fallback func(id syntax.NSID, r *http.Request) (Method, error)

	// StreamsPerAddress limits the WebSockets that are open at once from one address; one /64 network of IPv6. If zero,
	// [DefaultStreamsPerAddress]. If negative, there is no limit.
	StreamsPerAddress int

	// ClientAddress tells the address of a request's client. If nil, [ClientAddress].
	ClientAddress func(*http.Request) netip.Addr

	// Lexicons are what methods are held against when they are registered, and their requests when
	// they are served. If nil, none are, and just the Go types decide.
	Lexicons *lexicon.Catalog

	// CheckOutput holds responses against Lexicons, too, and what [Stream.Send] sends. One that isn't right is logged, and
	// answered as an internal error. It is for development. If zero, it doesn't.
	CheckOutput bool

	// Measure is called when a request has been answered, and a subscription has ended. It may be called from many
	// goroutines at once. If nil, nothing is measured.
	Measure func(context.Context, Measurement)

	// Now is the clock of measurements. If nil, time.Now.
	Now func() time.Time

	// Logger gets the errors that clients aren't told of. If nil, slog.Default().
	Logger *slog.Logger
}

// Mux serves methods. Register them all before it serves.
type Mux struct {
	cfg     MuxConfig
	methods map[string]*endpoint
	streams streamLimit
	serving atomic.Bool
}

// NewMux returns a Mux without methods.
func NewMux(cfg MuxConfig) *Mux {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.StreamsPerAddress == 0 {
		cfg.StreamsPerAddress = DefaultStreamsPerAddress
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ClientAddress == nil {
		cfg.ClientAddress = ClientAddress
	}
	return &Mux{cfg: cfg, methods: map[string]*endpoint{}}
}

// Handle registers methods. It panics if one is incomplete, or its policy names no standing, or it
// isn't what its lexicon says, or has the ID of another, unless it is an [Override] of it, and when
// the Mux serves already.
func (m *Mux) Handle(methods ...Method) {
	if m.serving.Load() {
		panic("xrpc: Handle after serving began")
	}
	for _, method := range methods {
		id := method.ID.String()
		_, exists := m.methods[id]
		standing, named := method.Policy.Standing()
		switch {
		case method.serve == nil || method.Policy.Name() == "":
			panic("xrpc: " + id + " has no handler or no policy")
		case !named:
			panic("xrpc: " + id + " has a policy that names no standing: " + method.Policy.String())
		case standing != 0 && m.cfg.Accounts == nil:
			panic("xrpc: " + id + " asks for its caller's account, and MuxConfig.Accounts is nil")
		case method.Verb != http.MethodGet && method.Verb != http.MethodPost:
			panic("xrpc: " + id + " is neither a query nor a procedure")
		case exists && !method.override:
			panic("xrpc: " + id + " is registered twice")
		case !exists && method.override:
			panic("xrpc: " + id + " overrides nothing")
		}
		m.methods[id] = bind(method, m.cfg.Lexicons)
	}
}

// Methods returns the registered methods, ordered by their IDs.
func (m *Mux) Methods() []Method {
	methods := make([]Method, 0, len(m.methods))
	for _, e := range m.methods {
		methods = append(methods, e.Method)
	}
	slices.SortFunc(methods, func(a, b Method) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return methods
}

// ServeHTTP answers any request under [Prefix].
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.serving.Load() { // read first: a store by every request would make the cores wait for each other
		m.serving.Store(true)
	}
	if allowCORS(w, r) {
		return
	}
	q := &request{
		mux: m, id: strings.TrimPrefix(r.URL.Path, Prefix), w: trackingWriter{ResponseWriter: w}, r: r,
	}
	if m.cfg.Measure != nil {
		defer m.measure(q, m.cfg.Now())
	}
	defer m.recover(q)
	if err := m.serve(q); err != nil {
		m.fail(q, err)
	}
}

func (m *Mux) serve(q *request) error {
	w, r := &q.w, q.r
	method, err := m.find(q)
	if err != nil {
		return err
	}
	q.lexicon = method.lexicon
	if r.Method != method.Verb && !(r.Method == http.MethodHead && method.Verb == http.MethodGet) {
		w.Header().Set("Allow", method.Verb)
		return InvalidRequest("Incorrect HTTP method (%s) expected %s", r.Method, method.Verb)
	}
	if err := limitBody(w, r, method.maxBody); err != nil {
		return err
	}
	if !method.Policy.IgnoresCredentials() { // no cache keeps for others what one caller may see
		w.Header().Set("Cache-Control", "private")
		w.Header().Add("Vary", "Authorization")
	}
	q.caller, q.account, err = method.Policy.Admit(r, m.cfg.Authenticator, m.cfg.Accounts)
	if err != nil {
		return err
	}
	if IsUpgrade(r) { // whoever serves it: this server, or another to which it is passed on
		if err := refuseForeign(r, q.caller); err != nil {
			return err
		}
		leave, err := m.streams.enter(network(m.cfg.ClientAddress(r)), m.cfg.StreamsPerAddress)
		if err != nil {
			return err
		}
		defer leave()
	}
	return method.serve(q)
}

func (m *Mux) find(q *request) (*endpoint, error) {
	if e, ok := m.methods[q.id]; ok {
		return e, nil
	}
	nsid, err := syntax.ParseNSID(q.id)
	if err != nil {
		return nil, InvalidRequest("invalid xrpc path: %q is not an NSID", q.id)
	}
	if m.cfg.Fallback == nil {
		return nil, StatusError(http.StatusNotImplemented, "Method Not Implemented")
	}
	method, err := m.cfg.Fallback(nsid, q.r)
	return &endpoint{Method: method}, err
}

func limitBody(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body := r.Body
	if limit == 0 {
		limit = DefaultMaxBody
	}
	if limit > 0 {
		if r.ContentLength > limit {
			return &http.MaxBytesError{Limit: limit}
		}
		body = http.MaxBytesReader(w, body, limit)
	}
	r.Body = clientBody{body}
	return nil
}

// fail answers with what the client is told of err, and logs what it isn't told.
func (m *Mux) fail(q *request, err error) {
	e := q.classify(err)
	if e == nil {
		if ctx := q.r.Context(); ctx.Err() == nil { // the client is still there
			m.cfg.Logger.ErrorContext(ctx, "xrpc: request failed", "method", q.id, "err", err)
		}
		e = StatusError(http.StatusInternalServerError, "Internal Server Error")
	}
	q.failure = e.Name
	if q.w.begun {
		panic(http.ErrAbortHandler) // cut the connection: half a body must not look like a whole one
	}
	WriteError(&q.w, e)
}

// recover answers a request whose handler panicked.
func (m *Mux) recover(q *request) {
	v := recover()
	if v == nil {
		return
	}
	if q.failure == "" {
		q.failure = "InternalServerError"
	}
	if v == http.ErrAbortHandler || q.w.begun {
		panic(v)
	}
	m.cfg.Logger.ErrorContext(q.r.Context(), "xrpc: handler panicked",
		"method", q.id, "panic", v, "stack", string(debug.Stack()))
	q.failure = "InternalServerError"
	WriteError(&q.w, StatusError(http.StatusInternalServerError, "Internal Server Error"))
}
