package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal doesn't wait for what is under way
	switch err := run(ctx, os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "standalone:", err)
		stop()
		os.Exit(1)
	}
}

// run carries out a command, or without one serves until ctx ends.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "backup":
			return runBackup(ctx, args[1:], systemEnvironment(), os.Stderr)
		case "restore":
			return runRestore(ctx, args[1:], systemEnvironment(), os.Stderr)
		case "raise-seq":
			return raiseSeq(ctx, args[1:], systemEnvironment(), os.Stderr)
		}
	}
	s, unused, err := parse(args, systemEnvironment(), os.Stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: s.logLevel}))
	for _, name := range unused {
		logger.Warn("this variable has no effect here", "name", name)
	}
	p, err := open(ctx, s, logger)
	if err != nil {
		return err
	}
	return errors.Join(p.serve(ctx), p.close())
}
