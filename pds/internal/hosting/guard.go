package hosting

import (
	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// WhileActive is the guard of a write that an account may make while it is active. The write fails
// if the account is no longer active, or its epoch has risen since it was looked up.
func WhileActive(a auth.Account) *storage.Guard {
	return &storage.Guard{Epoch: a.Epoch, Statuses: []storage.AccountStatus{storage.StatusActive}}
}

// WhileStanding is WhileActive for what a deactivated account may do, too.
func WhileStanding(a auth.Account) *storage.Guard {
	return &storage.Guard{
		Epoch: a.Epoch, Statuses: []storage.AccountStatus{storage.StatusActive, storage.StatusDeactivated},
	}
}
