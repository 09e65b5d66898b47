package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
)

// Config says what a [Sender] sends, and where.
type Config struct {
	// Required.

	// Events is the outgoing log: the storage.Store of the server.
	Events storage.Events

	// Positions keep how far the endpoints have got.
	Positions Positions

	// Endpoints are where to send to.
	Endpoints []Endpoint

	// The rest is optional.

	// HTTP makes the requests. Its CheckRedirect isn't used: redirects aren't followed. Where the endpoints aren't the
	// operator's choice but users', it has to be guarded: see auth/identity.NewGuardedClient. If nil, http.DefaultClient.
	HTTP *http.Client

	// Timeout ends a request that hasn't been answered, which is then made again. If zero, 30 seconds.
	Timeout time.Duration

	// Now is the clock for timestamps. If nil, time.Now.
	Now func() time.Time

	// Logger is told of what goes wrong, with the names of endpoints, but neither their URLs nor their secrets. If nil,
	// slog.Default().
	Logger *slog.Logger
}

// Endpoint is where to send to.
type Endpoint struct {
	// Required.

	// Name is what its position is kept under; letters, digits, "_" and "-". With another URL it stays the same endpoint,
	// with another name it becomes a new one.
	Name string

	// URL takes the requests. It may be plain http, with a private address.
	URL string

	// Secrets sign the messages, each in the form that [NewSecret] gives it. One is enough; while the receiver changes over
	// to another, both sign.
	Secrets []string

	// Optional.

	// Types are those of the events to send. If nil, all. Gaps are always told.
	Types []Type

	// Collections are those whose operations to send: NSIDs, and namespaces such as "com.example.*". Commits that have none
	// of them are left out, so that Since may name a rev that the receiver has never seen. If nil, all.
	Collections []string

	// FromOldest sends a new endpoint all that is in the log. If false, it gets what happens from the first Run on.
	FromOldest bool

	// MaxEvents limits the events of a message. If zero, 100.
	MaxEvents int

	// MaxBytes limits the events of a message, in bytes, unless it is a single one: that can have up to about 3 MiB, or
	// several times as much if its text is full of control characters. If zero, 1 MiB.
	MaxBytes int
}

// Sender sends the log's events to endpoints.
type Sender struct {
	c         Config
	log       firehose.Log // c.Events
	client    http.Client
	endpoints []endpoint
}

// endpoint is an Endpoint, checked and filled in.
type endpoint struct {
	Endpoint
	filter filter
	keys   [][]byte
}

// New makes a sender. It sends nothing yet. It reports all that is wrong with c at once.
func New(c Config) (*Sender, error) {
	var errs []error
	if c.Events == nil || c.Positions == nil {
		errs = append(errs, errors.New("webhook: Config.Events and Config.Positions are required"))
	}
	s := &Sender{c: c, log: firehose.Log{Events: c.Events}, client: *cmp.Or(c.HTTP, http.DefaultClient)}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	s.c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Now == nil {
		s.c.Now = time.Now
	}
	names := make(map[string]bool)
	for _, e := range c.Endpoints {
		checked, err := e.check()
		if err == nil && names[e.Name] {
			err = errors.New("the name isn't the only one")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("webhook: endpoint %q: %w", e.Name, err))
		}
		names[e.Name] = true
		s.endpoints = append(s.endpoints, checked)
	}
	return s, errors.Join(errs...)
}

// check reports what is wrong with an endpoint, and fills in the rest. The error has no URL in it: some are secrets.
func (e Endpoint) check() (endpoint, error) {
	if e.Name == "" || strings.Trim(e.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return endpoint{}, errors.New(`a name has letters, digits, "_" and "-"`)
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return endpoint{}, errors.New("the URL isn't one of https or http")
	}
	for _, t := range e.Types {
		if !slices.Contains([]Type{TypeCommit, TypeSync, TypeIdentity, TypeAccount}, t) {
			return endpoint{}, fmt.Errorf("%q is no type of events", t)
		}
	}
	for _, c := range e.Collections {
		if !isPattern(c) {
			return endpoint{}, fmt.Errorf("%q is neither a collection nor a namespace", c)
		}
	}
	keys, err := parseSecrets(e.Secrets)
	if err != nil {
		return endpoint{}, err
	}
	e.MaxEvents = cmp.Or(e.MaxEvents, 100)
	e.MaxBytes = cmp.Or(e.MaxBytes, 1<<20)
	return endpoint{Endpoint: e, filter: filter{e.Types, e.Collections}, keys: keys}, nil
}

// Run sends until ctx ends, and then returns nil. Whatever goes wrong is logged and tried again. For each endpoint it holds
// two messages in memory, and what Events reads ahead.
//
// An endpoint gets its events in order as long as one Run at a time sends to it, of all processes.
func (s *Sender) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, e := range s.endpoints {
		d := &delivery{sender: s, endpoint: e, queue: newQueue(e.MaxEvents, e.MaxBytes)}
		wg.Go(func() { d.run(ctx) })
	}
	wg.Wait()
	return nil
}
