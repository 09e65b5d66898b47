// Command relay follows a server with upstream's relay, strictly, and prints a line of JSON for each operation and event
// that the relay passes on, and for each that it warns of. It ends with the #identity event of the handle INTEROP_END.
//
// It is a module of its own, because the relay has many dependencies.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/repo"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/bluesky-social/indigo/cmd/relay/relay"
	"github.com/bluesky-social/indigo/cmd/relay/relay/models"
	"github.com/bluesky-social/indigo/cmd/relay/stream"
	"github.com/bluesky-social/indigo/cmd/relay/stream/eventmgr"
	"github.com/bluesky-social/indigo/cmd/relay/stream/persist/diskpersist"
	"github.com/bluesky-social/indigo/util/cliutil"
)

func main() {
	slog.SetDefault(slog.New(complaints{}))
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	db, err := cliutil.SetupDatabase("sqlite://:memory:", 1)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "relay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	persister, err := diskpersist.NewDiskPersistence(dir, "", db, diskpersist.DefaultDiskPersistOptions())
	if err != nil {
		return err
	}
	config := relay.DefaultRelayConfig()
	config.LenientSyncValidation = false
	config.ConcurrencyPerHost = 1 // so that the last event is the last
	directory := identity.NewCacheDirectory(
		&identity.BaseDirectory{PLCURL: os.Getenv("INTEROP_PLC_URL"), SkipHandleVerification: true},
		1000, time.Hour, time.Hour, time.Hour)
	r, err := relay.NewRelay(db, eventmgr.NewEventManager(persister), directory, config)
	if err != nil {
		return err
	}
	persister.SetUidSource(r)
	events, _, err := r.Events.Subscribe(ctx, "test", func(*stream.XRPCStreamEvent) bool { return true }, nil)
	if err != nil {
		return err
	}
	// The relay knows the server already and has its first event: one that it doesn't know it would follow from now on.
	host := models.Host{
		Hostname: strings.TrimPrefix(os.Getenv("INTEROP_PDS_URL"), "http://"), NoSSL: true,
		Status: models.HostStatusActive, Trusted: true, AccountLimit: 1000, LastSeq: 1,
	}
	if err := db.Create(&host).Error; err != nil {
		return err
	}
	if err := r.ResubscribeAllHosts(ctx); err != nil {
		return err
	}
	for e := range events {
		if pass(e, directory) {
			return nil
		}
	}
	return fmt.Errorf("the relay has dropped its consumer")
}

// event is a line of output.
type event struct {
	Event, DID, Rev, Commit, Path, CID, Handle, Status, Error string

	Seq    int64
	Active bool
}

func (e event) print() {
	if err := json.NewEncoder(os.Stdout).Encode(e); err != nil {
		panic(err)
	}
}

// pass prints what the relay has passed on, and reports whether that was the last event.
func pass(e *stream.XRPCStreamEvent, directory identity.Directory) (last bool) {
	switch {
	case e.RepoCommit != nil:
		c := e.RepoCommit
		for _, op := range c.Ops {
			event{
				Event: op.Action, Seq: c.Seq, DID: c.Repo, Rev: c.Rev, Commit: c.Commit.String(), Path: op.Path, CID: link(op),
			}.print()
		}
	case e.RepoSync != nil:
		_, c, err := repo.LoadCommitFromCAR(context.Background(), bytes.NewReader(e.RepoSync.Blocks))
		if err != nil {
			event{Event: "error", Error: err.Error()}.print()
			return false
		}
		event{Event: "sync", Seq: e.RepoSync.Seq, DID: e.RepoSync.Did, Rev: e.RepoSync.Rev, CID: c.String()}.print()
	case e.RepoIdentity != nil:
		// The relay takes away a handle that it hasn't verified, which it doesn't do here. What the DID document declares is
		// the same one.
		handle := ""
		if ident, err := directory.LookupDID(context.Background(), syntax.DID(e.RepoIdentity.Did)); err == nil {
			declared, _ := ident.DeclaredHandle()
			handle = declared.String()
		}
		event{Event: "identity", Seq: e.RepoIdentity.Seq, DID: e.RepoIdentity.Did, Handle: handle}.print()
		return handle == os.Getenv("INTEROP_END")
	case e.RepoAccount != nil:
		status := e.RepoAccount.Status
		if status == nil {
			status = new(string)
		}
		event{
			Event: "account", Seq: e.RepoAccount.Seq, DID: e.RepoAccount.Did, Active: e.RepoAccount.Active, Status: *status,
		}.print()
	case e.Error != nil:
		event{Event: "error", Error: e.Error.Error + ": " + e.Error.Message}.print()
	}
	return false
}

func link(op *comatproto.SyncSubscribeRepos_RepoOp) string {
	if op.Cid == nil {
		return ""
	}
	return op.Cid.String()
}

// complaints prints what the relay warns of, which is how it tells of some of the checks that fail.
type complaints struct{ attrs []slog.Attr }

func (c complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	for _, a := range c.attrs {
		text += " " + a.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	event{Event: "error", Error: text}.print()
	return nil
}

func (c complaints) WithAttrs(attrs []slog.Attr) slog.Handler {
	return complaints{append(c.attrs[:len(c.attrs):len(c.attrs)], attrs...)}
}

func (c complaints) WithGroup(string) slog.Handler { return c }
