package storagetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// races are the tests of what happens to calls that come at the same moment.
var races = []sentence{
	{"Accounts.CreateAccount", "one DID", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrExists, func(a *storage.NewAccount, first storage.NewAccount) {
				c, _ := emptyTree(first.Account.DID).commit(put("a.b.c/1", string(a.Account.Handle)))
				a.Account.DID, a.Commit = first.Account.DID, c
			})
		}},
	{"Accounts.CreateAccount", "one handle", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrHandleTaken, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Account.Handle = first.Account.Handle
			})
		}},
	{"Accounts.CreateAccount", "one address", "Of two calls that race for a DID, handle or address exactly one succeeds.",
		func(t *testing.T, s storage.Store) {
			raceToCreate(t, s, storage.ErrEmailTaken, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Account.Email = first.Account.Email
			})
		}},
	{"Accounts.CreateAccount", "one invite", "[ErrConflict] if the invite is no longer what Invite.Old says",
		func(t *testing.T, s storage.Store) {
			store(t, s, useOf("code").Old)
			raceToCreate(t, s, storage.ErrConflict, func(a *storage.NewAccount, first storage.NewAccount) {
				a.Invite = useOf("code")
			})
		}},
	{"Accounts.UpdateAccount", "one handle", "[ErrHandleTaken]", raceToRename},
	{"Accounts.UpdateAccount", "no update is lost", "no other update comes between the call of change and the write.",
		raceToUpdate},
	{"Accounts.DeleteAccount", "while commits come", "removes the account with its repo", raceToDelete},
	{"Repos.Commit", "one head", "Of several commits with the same Prev exactly one succeeds.",
		func(t *testing.T, s storage.Store) { raceToCommit(t, s, create(t, s, 1)) }},
	{"Repos.Commit", "one first commit", "Of several commits with the same Prev exactly one succeeds.",
		func(t *testing.T, s storage.Store) { raceToCommit(t, s, emptyTree(testDID(1))) }},
	{"Store", "many repos", "Every method may be called from many goroutines at once.", raceManyRepos},
	{"Repos.Replace", "one head", "Replace does what Commit does", raceToReplace},
	{"Repos.Snapshot", "one moment", "sees the state of one moment until read returns", raceSnapshots},
	{"Events", "visible in order", "Events become visible in order: a reader who has seen number n will never find a " +
		"number below n that it hadn't seen.", raceEvents},
	{"Documents.PutDocument", "one ID", "Of two calls that race exactly one succeeds, and limits hold for calls that race, " +
		"too.", raceToPutDocument},
	{"Documents.PutDocument", "limits", "limits hold for calls that race, too.", raceToLimit},
	{"Documents.TakeDocument", "one document", "Of any number of calls exactly one gets it.", raceToTakeDocument},
	{"Documents.SwapDocument", "one value", "replaces old by new if the stored document still has old's Value", raceToSwapDocument},
	{"Events.WaitEvents", "one write", "otherwise as soon as one is written", raceToWake},
	{"Events.WaitEvents", "followers", "any number of calls may wait.", raceToWait},
	{"Repos.Commit", "against a decision", "[ErrGuard]", raceToDecide(guardedCommit)},
	{"Repos.Replace", "against a decision", "Guard and head are checked at the end", raceToDecide(guardedReplace)},
	{"BlobIndex.PutBlob", "against a decision", "The guard is on the blob's account", raceToDecide(guardedPutBlob)},
	{"Documents.PutDocument", "against a decision", "[ErrGuard]", raceToDecide(guardedPutDocument)},
	{"Documents.SwapDocument", "against a decision", "[ErrGuard]", raceToDecide(guardedSwapDocument)},
	{"BlobIndex", "claims against commits", "While it is marked, a blob can be neither referred to nor uploaded again.",
		raceToClaim},
}

const (
	racers = 8
	rounds = 12 // of each race, so that it's one in most runs of the suite
)

func runRaces(t *testing.T, open func(t *testing.T) storage.Store) { runSentences(t, races, open) }

// race calls f in many goroutines that begin at the same moment, and returns the errors.
func race(f func(i int) error) []error {
	var wg sync.WaitGroup
	begin, errs := make(chan struct{}), make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

// winner returns the only one that succeeded, and fails the test if there isn't one, or if another error than target
// is among those of the rest.
func winner(t testing.TB, errs []error, target error) int {
	t.Helper()
	w := -1
	for i, err := range errs {
		switch {
		case err == nil && w >= 0:
			t.Fatalf("both %d and %d succeeded", w, i)
		case err == nil:
			w = i
		case !errors.Is(err, target):
			t.Fatalf("error is %v, want %v", err, target)
		}
	}
	if w < 0 {
		t.Fatal("none succeeded")
	}
	return w
}
