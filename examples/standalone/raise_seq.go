package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
)

// maxRaise leaves numbers above: those of JSON are exact below 2^53.
const maxRaise = 1 << 52

// raiseSeq is the command standalone raise-seq.
func raiseSeq(ctx context.Context, args []string, env environment, stderr io.Writer) (err error) {
	s := &settings{}
	readErr := s.read(env)
	flags := flag.NewFlagSet("standalone raise-seq", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.data, "data", s.data, "`folder` of the database and the secrets (PDS_DATA_DIRECTORY)")
	flags.Usage = func() {
		fmt.Fprint(stderr, `standalone raise-seq makes the numbers of the server's events greater than N.

  standalone raise-seq N

It is the step after the data folder was brought back from an older copy, or from
a copy of another server's, and before it is served: relays have seen events that
the copy hasn't got, and must never get other events with the same numbers. N is
at least the last number that anyone has seen; a million more does no harm. It
also tells them what each active account's repo is now.

Flags:

`)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	seq, numberErr := strconv.ParseInt(flags.Arg(0), 10, 64)
	if flags.NArg() != 1 || numberErr != nil || seq <= 0 || seq > maxRaise {
		return errors.New("raise-seq: give one number; see -h")
	}
	s.fill()
	if err := errors.Join(readErr, s.check()); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.data, "pds.sqlite")); err != nil {
		return fmt.Errorf("raise-seq: there is no server: %w", err) // to make one would raise nothing
	}
	p, err := open(ctx, s, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.pds.RaiseSeq(ctx, seq); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "raise-seq: the next events have numbers above %d\n", seq)
	return nil
}
