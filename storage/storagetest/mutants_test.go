package storagetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// mutants are stores that break one promise each, with the tier of the suite that has to find it out first.
var mutants = map[string]struct {
	tier string
	make func() storage.Store
}{
	"a commit is lost":                   {"contract", func() storage.Store { return &lostCommit{Store: memory.New()} }},
	"applied but reported lost":          {"contract", func() storage.Store { return appliedConflict{memory.New()} }},
	"head before records":                {"race", func() storage.Store { return twoSteps{memory.New()} }},
	"event without commit":               {"contract", func() storage.Store { return eventFirst{memory.New()} }},
	"account without invite":             {"contract", func() storage.Store { return inviteLater{memory.New()} }},
	"a commit isn't compared":            {"contract", func() storage.Store { return blindCommit{memory.New()} }},
	"a commit is compared too early":     {"race", func() storage.Store { return earlyCompare{memory.New()} }},
	"dropped nodes stay":                 {"contract", func() storage.Store { return keepNodes{memory.New()} }},
	"references aren't counted":          {"contract", func() storage.Store { return noReferences{memory.New()} }},
	"missing blobs are ignored":          {"contract", func() storage.Store { return allowMissing{memory.New()} }},
	"old rows leak":                      {"contract", func() storage.Store { return leakyReplace{memory.New()} }},
	"snapshots move":                     {"contract", func() storage.Store { return noSnapshot{memory.New()} }},
	"events in the wrong order":          {"contract", func() storage.Store { return reverseEvents{memory.New()} }},
	"events become visible late":         {"race", func() storage.Store { return &lateEvents{Store: memory.New()} }},
	"sequence numbers come again":        {"contract", func() storage.Store { return &reusedSeq{Store: memory.New()} }},
	"trimming ignores the age":           {"contract", func() storage.Store { return trimAll{memory.New()} }},
	"records sorted by collection":       {"contract", func() storage.Store { return byCollection{memory.New()} }},
	"collections in the order of paths":  {"contract", func() storage.Store { return pathOrder{memory.New()} }},
	"blobs in the order of bytes":        {"contract", func() storage.Store { return byteOrder{memory.New()} }},
	"since is forgotten on later pages":  {"model", func() storage.Store { return firstPageSince{memory.New()} }},
	"a token is given twice":             {"race", func() storage.Store { return takeTwice{memory.New()} }},
	"a swapped token isn't compared":     {"contract", func() storage.Store { return blindSwap{memory.New()} }},
	"tokens expire too late":             {"contract", func() storage.Store { return lateExpiry{memory.New()} }},
	"the clock decides what has expired": {"contract", func() storage.Store { return clockwork{memory.New()} }},
	"a key is overwritten":               {"contract", func() storage.Store { return overwriteKey{memory.New()} }},
	"a slice is kept":                    {"contract", func() storage.Store { return &keepSlice{Store: memory.New()} }},
	"handles aren't unique":              {"contract", func() storage.Store { return freeHandles{memory.New()} }},
	"handles are normalised":             {"contract", func() storage.Store { return lowerHandles{memory.New()} }},
	"an update is lost":                  {"race", func() storage.Store { return lostUpdate{memory.New()} }},
	"a deleted account leaves its key":   {"contract", func() storage.Store { return keepKey{memory.New()} }},
	"deleting nothing leaves an event":   {"contract", func() storage.Store { return eagerDelete{memory.New()} }},
	"listings run too early":             {"contract", func() storage.Store { return eagerList{memory.New()} }},
	"a marked blob isn't claimed again":  {"contract", func() storage.Store { return &claimOnce{Store: memory.New()} }},
	"readers wait for writers":           {"contract", func() storage.Store { return &bigLock{Store: memory.New()} }},
}

// linger lets others in between two steps that should be one.
func linger() {
	for range 1000 {
		runtime.Gosched()
	}
}

type lostCommit struct {
	storage.Store
	n atomic.Int64
}

func (s *lostCommit) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	if s.n.Add(1)%3 == 0 {
		return s.LastSeq(ctx)
	}
	return s.Store.Commit(ctx, c)
}

type appliedConflict struct{ storage.Store }

func (s appliedConflict) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.Store.Commit(ctx, c)
	if errors.Is(err, storage.ErrConflict) { // the stale commit is made good
		head, _ := s.Head(ctx, c.Head.DID)
		c.Prev = head.Commit
		s.Store.Commit(ctx, c)
	}
	return seq, err
}

type twoSteps struct{ storage.Store }

func (s twoSteps) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	for _, w := range c.Writes {
		if len(w.Blobs) > 0 {
			return s.Store.Commit(ctx, c)
		}
	}
	first, second := c, c
	first.Writes, first.Events = nil, nil
	if _, err := s.Store.Commit(ctx, first); err != nil {
		return 0, err
	}
	linger()
	second.Prev = c.Head.Commit
	return s.Store.Commit(ctx, second)
}

type eventFirst struct{ storage.Store }

func (s eventFirst) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	seq, err := s.AppendEvents(ctx, c.Events...)
	if err != nil {
		return 0, err
	}
	c.Events = nil
	_, err = s.Store.Commit(ctx, c)
	return seq, err
}

type inviteLater struct{ storage.Store }

func (s inviteLater) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	invite := a.Invite
	a.Invite = nil
	id, err := s.Store.CreateAccount(ctx, a)
	if err == nil && invite != nil && s.SwapToken(ctx, invite.Old, invite.New) != nil {
		err = storage.ErrConflict
	}
	return id, err
}

type blindCommit struct{ storage.Store }

func (s blindCommit) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	head, _ := s.Head(ctx, c.Head.DID)
	c.Prev = head.Commit
	return s.Store.Commit(ctx, c)
}

type earlyCompare struct{ storage.Store }

func (s earlyCompare) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	head, _ := s.Head(ctx, c.Head.DID)
	if head.Commit != c.Prev {
		return 0, storage.ErrConflict
	}
	linger()
	for {
		seq, err := s.Store.Commit(ctx, c)
		if !errors.Is(err, storage.ErrConflict) {
			return seq, err
		}
		head, _ := s.Head(ctx, c.Head.DID)
		c.Prev = head.Commit
	}
}

type keepNodes struct{ storage.Store }

func (s keepNodes) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.DropNodes = nil
	return s.Store.Commit(ctx, c)
}

type noReferences struct{ storage.Store }

func (s noReferences) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.Writes = slices.Clone(c.Writes)
	for i := range c.Writes {
		c.Writes[i].Blobs = nil
	}
	return s.Store.Commit(ctx, c)
}

type allowMissing struct{ storage.Store }

func (s allowMissing) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	c.AllowMissingBlobs = true
	return s.Store.Commit(ctx, c)
}

type leakyReplace struct{ storage.Store }

func (s leakyReplace) Replace(ctx context.Context, c storage.Commit, rows iter.Seq2[storage.Row, error]) (int64, error) {
	head, err := s.Head(ctx, c.Head.DID)
	if err != nil || head.Commit != c.Prev {
		return s.Store.Replace(ctx, c, rows)
	}
	return s.Store.Replace(ctx, c, func(yield func(storage.Row, error) bool) {
		have := make(map[string]bool)
		for r, err := range rows {
			if r.Record != nil {
				have[r.Record.Path] = true
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		for r, err := range s.Records(ctx, c.Head.DID, storage.RecordRange{}) {
			w := storage.RecordWrite{Path: r.Path, CID: r.CID, Bytes: r.Bytes}
			if !have[r.Path] && !yield(storage.Row{Record: &w}, err) {
				return
			}
		}
	})
}

type noSnapshot struct{ storage.Store }

func (s noSnapshot) Snapshot(ctx context.Context, read func(storage.RepoReader) error) error {
	return read(s.Store)
}

type reverseEvents struct{ storage.Store }

func (s reverseEvents) ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		var es []storage.Event
		for e := range s.Store.ListEvents(ctx, after, limit) {
			es = append(es, e)
		}
		for _, e := range slices.Backward(es) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// lateEvents hides the newest event but one while someone writes.
type lateEvents struct {
	storage.Store
	writing atomic.Int64
}

func (s *lateEvents) Commit(ctx context.Context, c storage.Commit) (int64, error) {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	defer linger()
	return s.Store.Commit(ctx, c)
}

func (s *lateEvents) ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		last, _ := s.LastSeq(ctx)
		for e, err := range s.Store.ListEvents(ctx, after, limit) {
			if e.Seq == last-1 && s.writing.Load() > 0 {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// reusedSeq begins anew when the log is empty.
type reusedSeq struct {
	storage.Store
	offset int64
}

func (s *reusedSeq) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.Store.TrimEvents(ctx, before, limit)
	s.begin(ctx)
	return n, err
}

func (s *reusedSeq) begin(ctx context.Context) {
	for range s.Store.ListEvents(ctx, 0, 1) {
		return
	}
	s.offset, _ = s.Store.LastSeq(ctx)
}

func (s *reusedSeq) AppendEvents(ctx context.Context, events ...storage.Event) (int64, error) {
	seq, err := s.Store.AppendEvents(ctx, events...)
	return max(0, seq-s.offset), err
}

func (s *reusedSeq) LastSeq(ctx context.Context) (int64, error) {
	seq, err := s.Store.LastSeq(ctx)
	return seq - s.offset, err
}

func (s *reusedSeq) ListEvents(ctx context.Context, after int64, limit int) iter.Seq2[storage.Event, error] {
	return func(yield func(storage.Event, error) bool) {
		for e, err := range s.Store.ListEvents(ctx, after+s.offset, limit) {
			e.Seq -= s.offset
			if !yield(e, err) {
				return
			}
		}
	}
}

type trimAll struct{ storage.Store }

func (s trimAll) TrimEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.Store.TrimEvents(ctx, before.Add(time.Hour), limit)
}

// byCollection lists one collection after the other, as an index on (collection, rkey) does.
type byCollection struct{ storage.Store }

func (s byCollection) Records(ctx context.Context, did syntax.DID, in storage.RecordRange) iter.Seq2[storage.Record, error] {
	if in.Collection != "" {
		return s.Store.Records(ctx, did, in)
	}
	return func(yield func(storage.Record, error) bool) {
		var rs []storage.Record
		for r := range s.Store.Records(ctx, did, storage.RecordRange{}) {
			rs = append(rs, r)
		}
		slices.SortFunc(rs, func(a, b storage.Record) int {
			return slices.Compare(strings.SplitN(a.Path, "/", 2), strings.SplitN(b.Path, "/", 2))
		})
		if in.Reverse {
			slices.Reverse(rs)
		}
		for i, r := range rs {
			if in.Limit > 0 && i >= in.Limit || !yield(r, nil) {
				return
			}
		}
	}
}

type pathOrder struct{ storage.Store }

func (s pathOrder) Collections(ctx context.Context, did syntax.DID) (all []syntax.NSID, err error) {
	for r := range s.Records(ctx, did, storage.RecordRange{}) {
		collection, _, _ := strings.Cut(r.Path, "/")
		all = append(all, syntax.NSID(collection))
	}
	return slices.Compact(all), nil
}

type byteOrder struct{ storage.Store }

func (s byteOrder) ListBlobs(ctx context.Context, did syntax.DID, since syntax.TID, after string, limit int) iter.Seq2[cid.Cid, error] {
	return func(yield func(cid.Cid, error) bool) {
		var cs []cid.Cid
		for c := range s.Store.ListBlobs(ctx, did, since, after, limit) {
			cs = append(cs, c)
		}
		slices.SortFunc(cs, func(a, b cid.Cid) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
		for _, c := range cs {
			if !yield(c, nil) {
				return
			}
		}
	}
}

type firstPageSince struct{ storage.Store }

func (s firstPageSince) ListBlobs(ctx context.Context, did syntax.DID, since syntax.TID, after string, limit int) iter.Seq2[cid.Cid, error] {
	if after != "" {
		since = ""
	}
	return s.Store.ListBlobs(ctx, did, since, after, limit)
}

type takeTwice struct{ storage.Store }

func (s takeTwice) TakeToken(ctx context.Context, kind, id string) (storage.Token, error) {
	t, err := s.Token(ctx, kind, id)
	if err == nil {
		linger()
		s.Store.TakeToken(ctx, kind, id)
	}
	return t, err
}

type blindSwap struct{ storage.Store }

func (s blindSwap) SwapToken(ctx context.Context, old, new storage.Token) error {
	now, err := s.Token(ctx, old.Kind, old.ID)
	if err != nil {
		return err
	}
	return s.Store.SwapToken(ctx, now, new)
}

type lateExpiry struct{ storage.Store }

func (s lateExpiry) ExpireTokens(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.Store.ExpireTokens(ctx, now.Add(-time.Millisecond), limit)
}

type clockwork struct{ storage.Store }

func (s clockwork) Token(ctx context.Context, kind, id string) (storage.Token, error) {
	t, err := s.Store.Token(ctx, kind, id)
	if err == nil && t.ExpiresAt.Before(time.Now()) {
		return storage.Token{}, storage.ErrNotFound
	}
	return t, err
}

type overwriteKey struct{ storage.Store }

func (s overwriteKey) PutKey(ctx context.Context, name string, sealed []byte) error {
	s.DeleteKey(ctx, name)
	return s.Store.PutKey(ctx, name, sealed)
}

type keepSlice struct {
	storage.Store
	kept sync.Map
}

func (s *keepSlice) PutKey(ctx context.Context, name string, sealed []byte) error {
	err := s.Store.PutKey(ctx, name, sealed)
	if err == nil {
		s.kept.Store(name, sealed)
	}
	return err
}

func (s *keepSlice) Key(ctx context.Context, name string) ([]byte, error) {
	sealed, err := s.Store.Key(ctx, name)
	if kept, ok := s.kept.Load(name); ok && err == nil {
		return kept.([]byte), nil
	}
	return sealed, err
}

type freeHandles struct{ storage.Store }

func (s freeHandles) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	id, err := s.Store.CreateAccount(ctx, a)
	if errors.Is(err, storage.ErrHandleTaken) {
		a.Account.Handle = ""
		return s.Store.CreateAccount(ctx, a)
	}
	return id, err
}

type lowerHandles struct{ storage.Store }

func (s lowerHandles) CreateAccount(ctx context.Context, a storage.NewAccount) (int64, error) {
	a.Account.Handle = a.Account.Handle.Normalize()
	return s.Store.CreateAccount(ctx, a)
}

type lostUpdate struct{ storage.Store }

func (s lostUpdate) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	a, err := s.Account(ctx, did)
	if err != nil {
		return 0, err
	}
	if err := change(&a); err != nil {
		return 0, err
	}
	linger()
	return s.Store.UpdateAccount(ctx, did, func(now *storage.Account) error { *now = a; return nil }, events...)
}

type keepKey struct{ storage.Store }

func (s keepKey) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	sealed, err := s.Key(ctx, string(did))
	if err == nil {
		defer s.PutKey(ctx, string(did), sealed)
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

type eagerDelete struct{ storage.Store }

func (s eagerDelete) DeleteAccount(ctx context.Context, did syntax.DID, events ...storage.Event) (int64, error) {
	if _, err := s.Account(ctx, did); err != nil {
		return s.AppendEvents(ctx, events...)
	}
	return s.Store.DeleteAccount(ctx, did, events...)
}

type eagerList struct{ storage.Store }

func (s eagerList) ListTokens(ctx context.Context, kind string, did syntax.DID) iter.Seq2[storage.Token, error] {
	var ts []storage.Token
	for t := range s.Store.ListTokens(ctx, kind, did) {
		ts = append(ts, t)
	}
	return func(yield func(storage.Token, error) bool) {
		for _, t := range ts {
			if !yield(t, nil) {
				return
			}
		}
	}
}

type claimOnce struct {
	storage.Store
	mu      sync.Mutex
	claimed map[storage.BlobID]bool
}

func (s *claimOnce) ClaimBlobs(ctx context.Context, before time.Time, limit int) ([]storage.BlobID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := s.Store.ClaimBlobs(ctx, before, math.MaxInt)
	ids = slices.DeleteFunc(ids, func(id storage.BlobID) bool { return s.claimed[id] })
	ids = ids[:min(limit, len(ids))]
	if s.claimed == nil {
		s.claimed = make(map[storage.BlobID]bool)
	}
	for _, id := range ids {
		s.claimed[id] = true
	}
	return ids, err
}

type bigLock struct {
	storage.Store
	mu sync.RWMutex
}

func (s *bigLock) UpdateAccount(
	ctx context.Context, did syntax.DID, change func(*storage.Account) error, events ...storage.Event,
) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.UpdateAccount(ctx, did, change, events...)
}

func (s *bigLock) Account(ctx context.Context, did syntax.DID) (storage.Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Store.Account(ctx, did)
}
