package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settings are what flags and environment say.
type settings struct {
	hostname      string
	port          int
	plcPort       int
	data          string
	blobs         string
	serviceDID    string
	lexiconDID    string
	handleDomains []string
	relays        []string
	adminPassword string
	jwtSecret     string
	keySecret     string
	rotationKey   string // hexadecimal
	recoveryKey   string // did:key
	plcURL        string
	invite        bool
	inviteGiven   bool // whether the operator says so or not
	devMode       bool
	unguarded     bool
	services      services
	mailing       mailing
	blobLimit     int64
	importLimit   int64
	imports       bool
	keepEvents    time.Duration
	streamBuffer  int
	privacyURL    string
	termsURL      string
	contact       string
	version       string
	logLevel      slog.Level
}

// local says whether the server is for this machine only.
func (s *settings) local() bool { return s.hostname == "localhost" }

func (s *settings) publicURL() string {
	if s.local() {
		return "http://localhost:" + strconv.Itoa(s.port)
	}
	return "https://" + s.hostname
}

// parse reads the environment, and then the flags, which count more. It returns the names of variables that are set and
// have no effect.
func parse(args []string, env environment, stderr io.Writer) (*settings, []string, error) {
	s := &settings{}
	readErr := s.read(env)
	flags := flag.NewFlagSet("standalone", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.hostname, "hostname", s.hostname, "public host `name`; localhost to try things out (PDS_HOSTNAME)")
	flags.IntVar(&s.port, "port", s.port, "`port` to serve HTTP on (PDS_PORT)")
	flags.StringVar(&s.data, "data", s.data, "`folder` of the database and the secrets (PDS_DATA_DIRECTORY)")
	flags.IntVar(&s.plcPort, "plc-port", s.plcPort, "`port` of the PLC directory that is part of a local server; 0 for any free one (PDS_PLC_PORT)")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); err != nil {
		return nil, nil, err
	}
	if flags.NArg() > 0 {
		return nil, nil, fmt.Errorf("unexpected argument %q; see -h", flags.Arg(0))
	}
	s.fill()
	return s, env.unused(), errors.Join(readErr, s.check())
}

func usage(flags *flag.FlagSet) {
	fmt.Fprint(flags.Output(), `standalone is an AT Protocol Personal Data Server (PDS).

  standalone                                try it out: http://localhost:2583, data in ./pds-data
  PDS_HOSTNAME=pds.example.com standalone   serve the world, behind a proxy that speaks TLS;
                                            PDS_INVITE_REQUIRED=false lets anybody sign up
  standalone backup -h                      keep a backup that is always current
  standalone restore -h                     make a server from a backup
  standalone raise-seq -h                   the step after the data were copied back

Flags:

`)
	flags.PrintDefaults()
	fmt.Fprint(flags.Output(), `
Environment, under the names of the reference PDS:

  PDS_HOSTNAME  PDS_PORT  PDS_DATA_DIRECTORY  PDS_BLOBSTORE_DISK_LOCATION
  PDS_SERVICE_DID  PDS_SERVICE_HANDLE_DOMAINS  PDS_DID_PLC_URL
  PDS_ADMIN_PASSWORD  PDS_JWT_SECRET
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX  PDS_RECOVERY_DID_KEY
  PDS_INVITE_REQUIRED  PDS_BLOB_UPLOAD_LIMIT  PDS_ACCEPTING_REPO_IMPORTS
  PDS_MAX_REPO_IMPORT_SIZE  PDS_REPO_BACKFILL_LIMIT_MS
  PDS_CRAWLERS  PDS_MAX_SUBSCRIPTION_BUFFER  PDS_LEXICON_AUTHORITY_DID
  PDS_BSKY_APP_VIEW_URL  PDS_BSKY_APP_VIEW_DID
  PDS_BSKY_APP_VIEW_CDN_URL_PATTERN
  PDS_MOD_SERVICE_URL  PDS_MOD_SERVICE_DID
  PDS_REPORT_SERVICE_URL  PDS_REPORT_SERVICE_DID
  PDS_PROXY_HEADERS_TIMEOUT  PDS_PROXY_BODY_TIMEOUT
  PDS_EMAIL_SMTP_URL  PDS_EMAIL_FROM_ADDRESS
  PDS_PRIVACY_POLICY_URL  PDS_TERMS_OF_SERVICE_URL  PDS_CONTACT_EMAIL_ADDRESS
  PDS_DEV_MODE  PDS_DISABLE_SSRF_PROTECTION  PDS_VERSION  LOG_ENABLED  LOG_LEVEL

and of our own: PDS_KEY_SECRET, under which signing keys are sealed. Secrets
that aren't given are made at the first start and kept in the data folder.
`)
}

// read takes the environment over, and the defaults that don't depend on flags.
func (s *settings) read(env environment) error {
	s.hostname = env.text("PDS_HOSTNAME", "localhost")
	s.data = env.text("PDS_DATA_DIRECTORY", "pds-data")
	s.blobs = env.text("PDS_BLOBSTORE_DISK_LOCATION", "")
	s.serviceDID = env.text("PDS_SERVICE_DID", "")
	s.lexiconDID = env.text("PDS_LEXICON_AUTHORITY_DID", "")
	s.adminPassword = env.text("PDS_ADMIN_PASSWORD", "")
	s.jwtSecret = env.text("PDS_JWT_SECRET", "")
	s.keySecret = env.text("PDS_KEY_SECRET", "")
	s.rotationKey = env.text("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", "")
	s.recoveryKey = env.text("PDS_RECOVERY_DID_KEY", "")
	s.plcURL = env.text("PDS_DID_PLC_URL", "")
	s.privacyURL = env.text("PDS_PRIVACY_POLICY_URL", "")
	s.termsURL = env.text("PDS_TERMS_OF_SERVICE_URL", "")
	s.contact = env.text("PDS_CONTACT_EMAIL_ADDRESS", "")
	s.version = env.text("PDS_VERSION", "")
	s.handleDomains = env.list("PDS_SERVICE_HANDLE_DOMAINS")
	s.relays = env.list("PDS_CRAWLERS")
	var errs [12]error
	s.port, errs[0] = env.number("PDS_PORT", 2583)
	s.invite, errs[1] = env.flag("PDS_INVITE_REQUIRED", false)
	s.inviteGiven = env.text("PDS_INVITE_REQUIRED", "") != ""
	s.devMode, errs[2] = env.flag("PDS_DEV_MODE", false)
	s.unguarded, errs[3] = env.flag("PDS_DISABLE_SSRF_PROTECTION", false)
	s.imports, errs[4] = env.flag("PDS_ACCEPTING_REPO_IMPORTS", true)
	var blobLimit, importLimit, keepMillis int
	blobLimit, errs[5] = env.number("PDS_BLOB_UPLOAD_LIMIT", 0)
	importLimit, errs[6] = env.number("PDS_MAX_REPO_IMPORT_SIZE", 0)
	keepMillis, errs[7] = env.number("PDS_REPO_BACKFILL_LIMIT_MS", 0)
	s.blobLimit, s.importLimit = int64(blobLimit), int64(importLimit)
	s.keepEvents = time.Duration(keepMillis) * time.Millisecond
	s.logLevel, errs[8] = logLevel(env)
	s.plcPort, errs[9] = env.number("PDS_PLC_PORT", 0)
	s.streamBuffer, errs[10] = env.number("PDS_MAX_SUBSCRIPTION_BUFFER", 0)
	s.services, errs[11] = readServices(env)
	s.mailing = readMailing(env)
	return errors.Join(errs[:]...)
}

func logLevel(env environment) (slog.Level, error) {
	level := env.text("LOG_LEVEL", "info")
	on, err := env.flag("LOG_ENABLED", true)
	switch {
	case err != nil:
		return 0, err
	case !on:
		return slog.LevelError + 1, nil
	case level == "trace":
		return slog.LevelDebug, nil
	case level == "fatal", level == "silent":
		return slog.LevelError, nil
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return 0, fmt.Errorf("LOG_LEVEL: %w", err)
	}
	return l, nil
}

// fill sets what depends on other settings.
func (s *settings) fill() {
	s.devMode = s.devMode || s.local()
	if !s.inviteGiven {
		s.invite = !s.local() // as with the reference PDS: its operators don't expect strangers
	}
	if s.blobs == "" {
		s.blobs = filepath.Join(s.data, "blobs")
	}
	if s.handleDomains == nil && s.local() {
		s.handleDomains = []string{".test"}
	}
	if s.plcURL == "" && !s.devMode {
		s.plcURL = "https://plc.directory"
	}
}

func (s *settings) check() error {
	var errs []error
	if s.port < 0 || s.port > 65535 {
		errs = append(errs, fmt.Errorf("PDS_PORT must be between 0 and 65535, not %d", s.port))
	}
	if s.mailing != (mailing{}) {
		_, err := s.mailing.smtp()
		errs = append(errs, err)
	}
	for _, domain := range s.handleDomains {
		if !strings.HasPrefix(domain, ".") {
			errs = append(errs, fmt.Errorf("PDS_SERVICE_HANDLE_DOMAINS: %q must begin with a dot", domain))
		}
	}
	return errors.Join(errs...)
}

// systemEnvironment is that of the process.
func systemEnvironment() environment {
	env := environment{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "PDS_") || strings.HasPrefix(name, "LOG_") {
			env[name] = &variable{value: value}
		}
	}
	return env
}
