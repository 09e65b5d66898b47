package backup

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// Config is what a [Mirror] is made of.
type Config struct {
	// Required.

	Source Source
	To     Bucket

	// Origin names the server, such as by its host name: a mirror of another is refused with [ErrOrigin], since the
	// sequence numbers of two servers have nothing to do with each other.
	Origin string

	// Optional.

	// Keys finds the keys that commits must be signed by. A commit whose key can't be resolved is taken unverified, and
	// the mirror says so in the account's document. If nil, no signature is verified.
	Keys KeyFunc

	// FlushEvery is how old events become before they're written, so that those that come close together share files. If
	// zero, a second.
	FlushEvery time.Duration

	// SweepEvery is how often Follow looks for what no event tells: private parts that have changed, and what
	// couldn't be had before. If zero, 15 minutes.
	SweepEvery time.Duration

	// SpillDir is for temporary files. If "", os.TempDir().
	SpillDir string

	// Progress is called whenever something has been stored, from the goroutine that calls Sync or Follow. If nil,
	// nothing is.
	Progress func(Progress)

	// Logger is told of what the source should have had otherwise. If nil, slog.Default().
	Logger *slog.Logger
}

// Progress says how far a run has got. All but Cursor counts from the beginning of the run.
type Progress struct {
	Cursor int64 // the source's sequence number up to which the mirror has all events
	Events int64
	Repos  int64 // fetched as a whole
	Blobs  int64
	Stale  int64 // failures to get a repo, each of an account that isn't as the source has it
}

// Mirror keeps a copy of a server current. One goroutine uses it at a time.
type Mirror struct {
	config Config
	source Source
	to     Bucket
	keys   KeyFunc
	logger *slog.Logger

	state    state
	accounts map[syntax.DID]*account // those in memory
	pending  int                     // bytes of commits that aren't stored yet
	progress Progress
	failures int // repos in a row that couldn't be had
}

// New returns a mirror. It opens and starts nothing.
func New(c Config) (*Mirror, error) {
	var errs []error
	if c.Source == nil {
		errs = append(errs, errors.New("backup: Config.Source is required"))
	}
	if c.To == nil {
		errs = append(errs, errors.New("backup: Config.To is required"))
	}
	if c.Origin == "" {
		errs = append(errs, errors.New("backup: Config.Origin is required"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	c.FlushEvery = cmp.Or(c.FlushEvery, time.Second)
	c.SweepEvery = cmp.Or(c.SweepEvery, 15*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Mirror{config: c, source: c.Source, to: c.To, keys: c.Keys, logger: c.Logger}, nil
}

// Sync brings the mirror up to what the source has now. What can't be had of single accounts doesn't keep it from the
// rest; in the end it returns a [Damage] for each, joined.
//
// Errors, after which the mirror holds what it held before or a part of the news, and a later Sync goes on: those of the
// source and of the bucket; [ErrOrigin]; [ErrConflict]. After [ErrBehind] it holds all that it held before, and no later
// Sync goes on: restore the source from the mirror, or begin another mirror.
func (m *Mirror) Sync(ctx context.Context) error {
	if err := m.run(ctx, false); err != nil {
		return err
	}
	return m.stale(ctx)
}

// Follow does what Sync does, and then keeps the mirror current until ctx ends. Then it returns nil. What can't be had of
// single accounts is logged, and tried again. It returns the errors of Sync: when to try again after those is the caller's
// to say.
func (m *Mirror) Follow(ctx context.Context) error {
	err := m.run(ctx, true)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (m *Mirror) run(ctx context.Context, follow bool) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	if err := m.checkBehind(ctx); err != nil {
		return err
	}
	err := ErrOutdated
	for errors.Is(err, ErrOutdated) {
		if m.state.Listing {
			err = m.list(ctx)
		} else {
			err = m.sweep(ctx)
		}
		if err == nil {
			err = m.read(ctx, follow)
		}
		if errors.Is(err, ErrOutdated) {
			m.logger.WarnContext(ctx, "backup: events were missed, all accounts are compared", "err", err)
			if err := m.startListing(ctx); err != nil {
				return err
			}
		}
	}
	return err
}

// begin takes hold of the mirror.
func (m *Mirror) begin(ctx context.Context) (err error) {
	if m.state, err = loadState(ctx, m.to); err != nil {
		return err
	}
	m.accounts, m.pending, m.progress, m.failures = make(map[syntax.DID]*account), 0, Progress{}, 0
	if m.state.Origin != "" && m.state.Origin != m.config.Origin {
		return fmt.Errorf("%w: of %s, not %s", ErrOrigin, m.state.Origin, m.config.Origin)
	}
	fresh := m.state.Origin == ""
	m.state.Version, m.state.Origin, m.state.Run = formatVersion, m.config.Origin, rand.Text()
	if fresh {
		return m.startListing(ctx)
	}
	return putDocument(ctx, m.to, stateName, m.state)
}

// checkBehind returns [ErrBehind] before a run takes over anything but events, where it would: private parts, or a listing.
func (m *Mirror) checkBehind(ctx context.Context) error {
	if _, private := m.source.(PrivateSource); !private && !m.state.Listing {
		return nil
	}
	for _, err := range m.source.Events(ctx, m.state.Cursor, false) {
		if errors.Is(err, ErrBehind) {
			return err
		}
		break // what else is wrong, the reading shows
	}
	return nil
}

// startListing begins anew: events count from now on, and what was before is had by listing the accounts.
func (m *Mirror) startListing(ctx context.Context) (err error) {
	m.accounts, m.pending = make(map[syntax.DID]*account), 0
	if m.state.Cursor, err = m.source.Cursor(ctx); err != nil {
		return err
	}
	m.state.Listing = true
	return putDocument(ctx, m.to, stateName, m.state)
}

// saveState stores how far the mirror has got. Error: [ErrConflict].
func (m *Mirror) saveState(ctx context.Context) error {
	now, err := loadState(ctx, m.to)
	if err != nil {
		return err
	}
	if now.Run != m.state.Run {
		return ErrConflict
	}
	return putDocument(ctx, m.to, stateName, m.state)
}

// read takes over events.
func (m *Mirror) read(ctx context.Context, follow bool) error {
	events := m.pump(ctx, follow)
	defer events.stop()
	var flush, sweep <-chan time.Time
	if follow {
		ticker := time.NewTicker(m.config.SweepEvery)
		defer ticker.Stop()
		sweep = ticker.C
	}
	seen := m.state.Cursor
	for {
		var err error
		select {
		case next := <-events.ch:
			if next.err == nil {
				err = m.take(ctx, next.event)
				seen = next.event.Seq
				break
			}
			if err := m.flush(ctx, seen); err != nil || next.err == errEnd {
				return err
			}
			return next.err
		case <-ctx.Done():
			return ctx.Err()
		case <-flush:
			flush, err = nil, m.flush(ctx, seen)
		case <-sweep:
			if err = m.flush(ctx, seen); err == nil {
				err = m.sweep(ctx)
			}
		}
		if err == nil && (m.pending > maxPending || len(m.accounts) > maxAccounts) {
			flush, err = nil, m.flush(ctx, seen)
		}
		if err != nil {
			return err
		}
		if flush == nil && seen > m.state.Cursor {
			flush = time.After(m.config.FlushEvery)
		}
	}
}

const (
	maxPending  = 8 << 20 // bytes of commits in memory
	maxAccounts = 10_000  // accounts in memory
)

// pumped is an event, or why there are no more.
type pumped struct {
	event storage.Event
	err   error
}

// errEnd: the source has no more events for now.
var errEnd = errors.New("backup: no more events")

type pump struct {
	ch   chan pumped
	stop func()
}

// pump reads events ahead, so that waiting for them keeps nothing else waiting. It ends with stop.
func (m *Mirror) pump(ctx context.Context, follow bool) pump {
	ctx, cancel := context.WithCancel(ctx)
	p := pump{ch: make(chan pumped, 64)}
	ended := make(chan struct{})
	p.stop = func() {
		cancel()
		<-ended
	}
	go func() {
		defer close(ended)
		send := func(e storage.Event, err error) bool {
			select {
			case p.ch <- pumped{e, err}:
				return err == nil
			case <-ctx.Done():
				return false
			}
		}
		for e, err := range m.source.Events(ctx, m.state.Cursor, follow) {
			if !send(e, err) {
				return
			}
		}
		send(storage.Event{}, errEnd)
	}()
	return p
}
