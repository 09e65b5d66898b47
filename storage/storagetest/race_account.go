package storagetest

import (
	"fmt"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/storage"
)

func raceToCreate(t *testing.T, s storage.Store, target error, alter func(a *storage.NewAccount, first storage.NewAccount)) {
	ctx := t.Context()
	var log []string
	for round := range rounds {
		if round > 0 && target == storage.ErrConflict {
			break // there's one invite
		}
		first, _ := newAccount(round * racers)
		var as []storage.NewAccount
		for i := range racers {
			a, _ := newAccount(round*racers + i)
			alter(&a, first)
			as = append(as, a)
		}
		w := winner(t, race(func(i int) error {
			_, err := s.CreateAccount(ctx, as[i])
			return err
		}), target)
		log = append(log, kinds(as[w].Commit.Events)...)
		want(t, "the log", kinds(events(t, s)), log)
		want(t, "number of accounts", len(all(t, "ListAccounts", s.ListAccounts(ctx, 0, 1000))), round+1)
		want(t, "the account", must(s.Account(ctx, as[w].Account.DID))(t).Handle, as[w].Account.Handle)
		want(t, "the head", must(s.Head(ctx, as[w].Account.DID))(t), as[w].Commit.Head)
	}
	ok(t, "Check", Check(ctx, s))
}

func raceToRename(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range racers {
		create(t, s, i)
	}
	for round := range rounds {
		handle := syntax.Handle(fmt.Sprintf("wanted%d.test", round))
		w := winner(t, race(func(i int) error {
			_, err := s.UpdateAccount(ctx, testDID(i), func(a *storage.Account) error { a.Handle = handle; return nil })
			return err
		}), storage.ErrHandleTaken)
		want(t, "who has the handle", must(s.AccountByHandle(ctx, handle))(t).DID, testDID(w))
	}
	ok(t, "Check", Check(ctx, s))
}

func raceToUpdate(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create(t, s, 1)
	hash := must(s.Account(ctx, testDID(1)))(t).PasswordHash
	for _, err := range race(func(i int) error {
		for range rounds {
			_, err := s.UpdateAccount(ctx, testDID(1), func(a *storage.Account) error { a.PasswordHash += "+"; return nil },
				testEvent(testDID(1), storage.EventAccount, i))
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		ok(t, "UpdateAccount", err)
	}
	got := must(s.Account(ctx, testDID(1)))(t).PasswordHash
	want(t, "number of updates", len(got)-len(hash), racers*rounds)
	want(t, "number of events", len(events(t, s)), 3+racers*rounds)
}

func raceToDelete(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for round := range rounds {
		r := create(t, s, 1)
		last := testEvent(testDID(1), storage.EventAccount, round)
		errs := race(func(i int) error {
			if i == 0 {
				_, err := s.DeleteAccount(ctx, testDID(1), last)
				return err
			}
			c, _ := r.commit(put("a.b.c/1", fmt.Sprint(i)))
			_, err := s.Commit(ctx, c)
			return err
		})
		ok(t, "DeleteAccount", errs[0])
		for _, err := range errs[1:] {
			if err != nil {
				fails(t, "Commit", err, storage.ErrConflict)
			}
		}
		wantNoRepo(t, s, testDID(1), r.head.Data)
		want(t, "the log", kinds(events(t, s)), kinds([]storage.Event{last}))
	}
}
