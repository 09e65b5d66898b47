package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds/backup"
	"github.com/pdskit/pdskit/storage/disk"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// restore is the command standalone restore.
func runRestore(ctx context.Context, args []string, env environment, stderr io.Writer) error {
	s := &settings{}
	readErr := s.read(env)
	flags := flag.NewFlagSet("standalone restore", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.data, "data", s.data, "empty `folder` to restore into (PDS_DATA_DIRECTORY)")
	flags.Usage = func() { restoreUsage(flags) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("restore: give the folder of one backup; see -h")
	}
	s.fill()
	if err := errors.Join(readErr, s.check()); err != nil {
		return err
	}
	from, err := backup.OpenDir(flags.Arg(0))
	if err != nil {
		return err
	}
	return restoreInto(ctx, s, from, stderr)
}

func restoreUsage(flags *flag.FlagSet) {
	fmt.Fprint(flags.Output(), `standalone restore makes a server's data anew from what standalone backup has kept.

  standalone restore DIR    restore the backup in DIR into the data folder

Everything is verified on the way. An account in which something is damaged is
named and left out; the others are restored all the same. If it is interrupted,
start it again.

Flags:

`)
	flags.PrintDefaults()
	fmt.Fprint(flags.Output(), `
The secret that seals the signing keys isn't in the backup: set PDS_KEY_SECRET as
it was, or copy the old server's file key-secret into the data folder first.

The sequence numbers of the restored server begin 1,000,000,000 above the
backup's, so that none of them is one that relays have seen already. Before it is
served, the old server must be gone for good: two that write to the same accounts
tear their repos apart. The environment is that of the server; see standalone -h.
`)
}

func restoreInto(ctx context.Context, s *settings, from backup.Bucket, stderr io.Writer) (err error) {
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return err
	}
	seal, err := restoredSecret(ctx, s, from)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(s.data, "pds.sqlite"), sqlite.Options{Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	blobs, err := disk.Create(s.blobs)
	if err != nil {
		return err
	}
	var last backup.Restored
	say := every(time.Second, func() { fmt.Fprintf(stderr, "restore: %d accounts, %d blobs\n", last.Accounts, last.Blobs) })
	done, err := backup.Restore(ctx, backup.RestoreConfig{
		From: from, Store: store, Blobs: blobs,
		Damaged:  func(d *backup.Damage) { fmt.Fprintln(stderr, "damaged:", d) },
		Progress: func(r backup.Restored) { last = r; say() },
	})
	if err != nil {
		return err
	}
	if err := restoreJournal(ctx, from, filepath.Join(s.data, journalName)); err != nil {
		return err
	}
	report(stderr, done)
	if seal != nil {
		err = checkSecret(ctx, store, seal)
	}
	if done.Checked.Damages > 0 {
		err = errors.Join(err, fmt.Errorf("restore: %d damages", done.Checked.Damages))
	}
	return err
}

func report(w io.Writer, done backup.Restored) {
	fmt.Fprintf(w, "restore: %d accounts, %d blobs\n", done.Accounts, done.Blobs)
	fmt.Fprintf(w, "restore: the backup knew events up to %d; the server's own begin after %d\n", done.Checked.Cursor, done.FirstSeq)
	if done.NoKey > 0 {
		fmt.Fprintf(w, "restore: %d accounts have no signing key: they can be read, but not written\n", done.NoKey)
	}
	if done.Damaged > 0 {
		fmt.Fprintf(w, "restore: %d accounts were left out, since something is wrong with them\n", done.Damaged)
	}
	if done.NoRepo > 0 {
		fmt.Fprintf(w, "restore: %d accounts were left out, since the backup never got their repos\n", done.NoRepo)
	}
	if done.Checked.Absent > 0 {
		fmt.Fprintf(w, "restore: %d blobs are missing, which the old server hadn't got either\n", done.Checked.Absent)
	}
}

// restoredSecret returns the secret that the keys of a backup are sealed under, or nil if there are none. It never makes a
// new one, which would open nothing.
func restoredSecret(ctx context.Context, s *settings, from backup.Bucket) ([]byte, error) {
	f, err := from.Open(ctx, "server.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // of a server elsewhere
	}
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return sealingSecret(s, false)
}

// checkSecret says whether a secret opens the restored keys.
func checkSecret(ctx context.Context, store *sqlite.Store, secret []byte) error {
	keyring, err := keys.New(keys.Config{Store: store, Secret: secret})
	if err != nil {
		return err
	}
	sealed, err := sealedKey(ctx, store)
	if err == nil {
		err = opens(ctx, keyring, sealed)
	}
	return err
}

// restoreJournal puts back the journal of a local server's PLC directory.
func restoreJournal(ctx context.Context, from backup.Bucket, path string) error {
	f, err := from.Open(ctx, journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	return writeDurably(path, string(content))
}
