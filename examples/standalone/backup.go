package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/auth/keys"
	sessions "github.com/pdskit/pdskit/auth/session"
	"github.com/pdskit/pdskit/pds/backup"
	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// journalName is the journal of the PLC directory that is part of a local server, in the data folder and in a backup.
const journalName = "plc.jsonl"

// backupCommand is what the command line of standalone backup says.
type backupCommand struct {
	settings *settings
	dir      string
	from     string
	follow   bool
	check    bool
	stderr   io.Writer
	logger   *slog.Logger
}

// backup is the command standalone backup.
func runBackup(ctx context.Context, args []string, env environment, stderr io.Writer) error {
	c := &backupCommand{settings: &settings{}, stderr: stderr}
	readErr := c.settings.read(env)
	flags := flag.NewFlagSet("standalone backup", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.settings.data, "data", c.settings.data, "`folder` of the server's database and secrets (PDS_DATA_DIRECTORY)")
	flags.StringVar(&c.from, "from", "", "back up what is public of the PDS at this `URL` instead")
	flags.BoolVar(&c.follow, "follow", false, "go on until interrupted, and keep the backup current")
	flags.BoolVar(&c.check, "check", false, "verify the backup instead, and name every damaged file")
	flags.Usage = func() { backupUsage(flags) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("backup: give one folder to keep the backup in; see -h")
	}
	c.dir = flags.Arg(0)
	c.settings.fill()
	if err := errors.Join(readErr, c.settings.check()); err != nil {
		return err
	}
	c.logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: max(c.settings.logLevel, slog.LevelWarn)}))
	switch {
	case c.check:
		return c.verify(ctx)
	case c.from != "":
		return c.network(ctx)
	}
	return c.local(ctx)
}

func backupUsage(flags *flag.FlagSet) {
	fmt.Fprint(flags.Output(), `standalone backup keeps a copy of a PDS in a folder: every account with its repo,
every commit verified, and the blobs. Only what is new is copied. It may be
interrupted at any moment, and goes on from there the next time.

  standalone backup DIR              back up the server of this data folder, running or not
  standalone backup -follow DIR      and stay, and keep the backup current to a few seconds
  standalone backup -from URL DIR    back up what is public of any PDS
  standalone backup -check DIR       verify a backup

Flags:

`)
	flags.PrintDefaults()
	fmt.Fprint(flags.Output(), `
Signing keys and the server's own keys are in the backup as they are in the
database: sealed under PDS_KEY_SECRET, or under what the file key-secret in the
data folder says. That secret is not in the backup. Keep a copy of it elsewhere:
without it a restored server can't sign for its accounts. Passwords are hashed.

The environment is that of the server; see standalone -h.
`)
}

// local backs up the server of a data folder.
func (c *backupCommand) local(ctx context.Context) (err error) {
	s := c.settings
	store, err := sqlite.OpenReadOnly(ctx, filepath.Join(s.data, "pds.sqlite"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	seal, err := sealingSecret(s, false)
	if err != nil {
		return err
	}
	keyring, err := keys.New(keys.Config{Store: store, Secret: seal})
	if err != nil {
		return err
	}
	engine, err := repo.New(repo.Config{Store: store, Signer: keyring})
	if err != nil {
		return err
	}
	blobs, err := disk.OpenReadOnly(s.blobs)
	if err != nil {
		return err
	}
	source := &backup.Local{
		Store: store, Blobs: blobs, Repos: engine, ServerKeys: []string{tokenSecret, rotationKey},
		DocumentKinds: []string{sessions.AppPasswordKind},
	}
	key := func(ctx context.Context, did syntax.DID, _ bool) (atcrypto.PublicKey, error) {
		return keyring.Public(ctx, did.String())
	}
	to, err := c.run(ctx, source, s.hostname, key)
	if err != nil {
		return err
	}
	return copyJournal(ctx, filepath.Join(s.data, journalName), to)
}

// copyJournal copies the journal of the PLC directory that is part of a local server, if there is one.
func copyJournal(ctx context.Context, path string, to backup.Bucket) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return to.Put(context.WithoutCancel(ctx), journalName, f)
}

// network backs up what is public of a server elsewhere.
func (c *backupCommand) network(ctx context.Context) error {
	u, err := url.Parse(c.from)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("backup: %q is not the URL of a server", c.from)
	}
	directory, err := identity.NewDirectory(identity.DirectoryConfig{
		PLCURL: c.settings.plcURL, Development: c.settings.unguarded,
	})
	if err != nil {
		return err
	}
	// The server is the operator's choice, and so not guarded against.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	defer transport.CloseIdleConnections()
	source := &backup.Network{URL: c.from, HTTP: &http.Client{Transport: transport}, Logger: c.logger}
	_, err = c.run(ctx, source, u.Hostname(), backup.DirectoryKeys(directory))
	return err
}

// run brings the backup up to date, once or for as long as ctx lasts.
func (c *backupCommand) run(
	ctx context.Context, source backup.Source, origin string, keys backup.KeyFunc,
) (*backup.Dir, error) {
	to, err := backup.CreateDir(c.dir)
	if err != nil {
		return nil, err
	}
	var last backup.Progress
	say := every(time.Second, func() { c.say(last) })
	m, err := backup.New(backup.Config{
		Source: source, To: to, Origin: origin, Keys: keys, Logger: c.logger,
		Progress: func(p backup.Progress) { last = p; say() },
	})
	if err != nil {
		return nil, err
	}
	if c.follow {
		err = m.Follow(ctx)
	} else {
		err = m.Sync(ctx)
	}
	c.say(last)
	return to, err
}

func (c *backupCommand) say(p backup.Progress) {
	fmt.Fprintf(c.stderr, "backup: at event %d; this time %d events, %d whole repos, %d blobs\n", p.Cursor, p.Events, p.Repos, p.Blobs)
	if p.Stale > 0 {
		fmt.Fprintf(c.stderr, "backup: %d repos couldn't be had\n", p.Stale)
	}
}

// verify checks a backup.
func (c *backupCommand) verify(ctx context.Context) error {
	from, err := backup.OpenDir(c.dir)
	if err != nil {
		return err
	}
	var last backup.Summary
	say := every(time.Second, func() { fmt.Fprintln(c.stderr, "backup:", describe(last)) })
	sum, err := backup.Check(ctx, backup.CheckConfig{
		From:     from,
		Damaged:  func(d *backup.Damage) { fmt.Fprintln(c.stderr, "damaged:", d) },
		Progress: func(s backup.Summary) { last = s; say() },
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stderr, "backup:", describe(sum))
	if sum.Damages > 0 {
		return fmt.Errorf("backup: %d damages", sum.Damages)
	}
	return nil
}

func describe(s backup.Summary) string {
	text := fmt.Sprintf("%d accounts, %d records, %d blobs, up to event %d", s.Accounts, s.Records, s.Blobs, s.Cursor)
	if s.Absent > 0 {
		text += fmt.Sprintf("; the server hadn't got %d blobs", s.Absent)
	}
	if s.Unsigned > 0 {
		text += fmt.Sprintf("; the signatures of %d repos aren't verified", s.Unsigned)
	}
	return text
}

// every returns a function that calls f, but not more often than once in a while.
func every(d time.Duration, f func()) func() {
	var next time.Time
	return func() {
		if now := time.Now(); now.After(next) {
			next = now.Add(d)
			f()
		}
	}
}
