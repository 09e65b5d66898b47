package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// drainFor is how long requests under way may take to finish when the program is told to end. Then they are cut.
const drainFor = 30 * time.Second

// program is the running server with all that it has opened.
type program struct {
	settings  *settings
	logger    *slog.Logger
	pds       *pds.Server
	fresh     bool // there are no accounts yet
	listener  net.Listener
	plc       net.Listener   // of the PLC directory that is part of the program, or nil
	directory *plc.Directory // served by plc
	closers   []func() error
	drain     time.Duration // how long requests under way may take to finish at the end
}

// open opens everything: what fails, fails before the first request.
func open(ctx context.Context, s *settings, logger *slog.Logger) (_ *program, err error) {
	p := &program{settings: s, logger: logger, drain: drainFor}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, filepath.Join(s.data, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, store.Close)
	blobs, err := disk.Create(s.blobs)
	if err != nil {
		return nil, err
	}
	secrets, err := loadSecrets(ctx, s, store)
	if err != nil {
		return nil, err
	}
	if err := p.listen(); err != nil {
		return nil, err
	}
	p.fresh = true
	for _, err := range store.ListAccounts(ctx, 0, 1) {
		if err != nil {
			return nil, err
		}
		p.fresh = false
	}
	c := s.config(store, blobs, secrets, logger)
	if c.Mailer, err = s.mailer(logger); err != nil {
		return nil, err
	}
	p.pds, err = pds.New(c)
	return p, err
}

// config is what the settings mean for the library.
func (s *settings) config(store *sqlite.Store, blobs *disk.Blobs, secrets *secrets, logger *slog.Logger) pds.Config {
	c := pds.Config{
		Store:            store,
		Blobs:            blobs,
		PublicURL:        s.publicURL(),
		TokenSecret:      secrets.token,
		Keys:             secrets.keyring,
		RotationKey:      secrets.rotation,
		DID:              syntax.DID(s.serviceDID),
		HandleDomains:    s.handleDomains,
		AdminPassword:    s.adminPassword,
		PLCURL:           s.plcURL,
		RecoveryKey:      s.recoveryKey,
		InviteRequired:   s.invite,
		LexiconAuthority: syntax.DID(s.lexiconDID),
		Relays:           s.relays,
		MaxBlob:          s.blobLimit,
		MaxImport:        s.importLimit,
		KeepEvents:       s.keepEvents,
		StreamBuffer:     s.streamBuffer,
		PrivacyPolicyURL: s.privacyURL,
		TermsURL:         s.termsURL,
		ContactEmail:     s.contact,
		Version:          s.version,
		Development:      s.devMode || s.unguarded,
		Logger:           logger,
	}
	if !s.imports {
		c.MaxImport = -1
	}
	s.services.apply(&c)
	return c
}

// listen opens the sockets. A server for this machine only is reachable from this machine only.
func (p *program) listen() (err error) {
	host := ""
	if p.settings.local() {
		host = "localhost"
	}
	if p.listener, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p.settings.port))); err != nil {
		return err
	}
	p.closers = append(p.closers, ignoreClosed(p.listener.Close))
	p.settings.port = p.listener.Addr().(*net.TCPAddr).Port
	if p.settings.plcURL != "" {
		return nil
	}
	return p.openDirectory()
}

// openDirectory opens the PLC directory that is part of the program.
func (p *program) openDirectory() error {
	journal, err := plc.OpenFile(filepath.Join(p.settings.data, "plc.jsonl"))
	if err != nil {
		return err
	}
	p.closers = append(p.closers, journal.Close)
	if p.directory, err = plc.NewDirectory(plc.DirectoryConfig{Journal: journal}); err != nil {
		return err
	}
	p.plc, err = net.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(p.settings.plcPort)))
	if err != nil {
		return err
	}
	p.closers = append(p.closers, ignoreClosed(p.plc.Close))
	p.settings.plcURL = fmt.Sprintf("http://localhost:%d", p.plc.Addr().(*net.TCPAddr).Port)
	return nil
}

func ignoreClosed(f func() error) func() error {
	return func() error {
		if err := f(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// serve serves until ctx ends, and then until the requests under way are finished.
func (p *program) serve(ctx context.Context) error {
	var servers []*http.Server
	failed := make(chan error, 2)
	start := func(l net.Listener, h http.Handler) {
		server := p.server(h)
		servers = append(servers, server)
		go func() { failed <- server.Serve(l) }()
	}
	start(p.listener, p.pds)
	if p.plc != nil {
		start(p.plc, p.directory)
	}
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error)
	go func() { done <- p.pds.Run(upkeep) }()
	p.welcome(os.Stdout)

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		p.logger.Info("ending: requests under way are finished first")
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.drain)
	defer cancel()
	for _, server := range servers {
		if late := server.Shutdown(drain); late != nil {
			// Who reads a repo slowly would keep the database open for as long as he likes.
			err = errors.Join(err, late, server.Close())
		}
	}
	stop()
	return errors.Join(err, <-done)
}

func (p *program) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       90 * time.Second,
		ErrorLog:          slog.NewLogLogger(p.logger.Handler(), slog.LevelWarn),
	}
}

// close closes what was opened, the newest first.
func (p *program) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}
