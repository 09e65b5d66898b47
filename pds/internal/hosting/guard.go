package hosting

import (
	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// WhileActive is the guard of a write that an account may make as long as it is active, and no decision about it has
// come in between.
func WhileActive(a auth.Account) *storage.Guard {
	return &storage.Guard{Epoch: a.Epoch, Statuses: []storage.AccountStatus{storage.StatusActive}}
}

// WhileStanding is WhileActive for what an account may also do while it is deactivated.
func WhileStanding(a auth.Account) *storage.Guard {
	return &storage.Guard{
		Epoch: a.Epoch, Statuses: []storage.AccountStatus{storage.StatusActive, storage.StatusDeactivated},
	}
}
