package storagetest

import (
	"errors"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// raceToDecide lets a decision about an account come while writes that were decided by its old
// epoch are under way. Whatever isn't there when the decision has been made isn't there later
// either.
func raceToDecide(begin guarded) func(t *testing.T, s storage.Store) {
	return func(t *testing.T, s storage.Store) {
		for round := range rounds {
			r := create(t, s, round)
			var write [racers]func(*storage.Guard) error
			var done [racers]func() bool
			var then [racers]bool // whether it had happened when the decision had been made
			for i := range racers {
				write[i], done[i] = begin(t, s, r, i)
			}
			errs := race(func(i int) error {
				if i > 0 {
					return write[i](&storage.Guard{Statuses: []storage.AccountStatus{storage.StatusActive}})
				}
				_, err := s.UpdateAccount(t.Context(), r.head.DID, func(a *storage.Account) error {
					a.Epoch++
					return nil
				})
				for i := range then {
					then[i] = done[i]()
				}
				return err
			})
			ok(t, "UpdateAccount", errs[0])
			for i := 1; i < racers; i++ {
				if errs[i] != nil && !errors.Is(errs[i], storage.ErrConflict) { // commits have one head
					fails(t, "a write beside a decision", errs[i], storage.ErrGuard)
				}
				if now := done[i](); now != (errs[i] == nil) {
					t.Fatalf("error is %v, and it is %t that it was written", errs[i], now)
				} else if now && !then[i] {
					t.Fatal("something was written after a decision that its guard doesn't admit")
				}
			}
			must(s.DeleteAccount(t.Context(), r.head.DID))(t)
		}
	}
}
