package record

import (
	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/repo"
)

// permit asks whether a caller may make writes, as far as the scope of their token goes.
func permit(caller auth.Caller, writes ...Write) error {
	for _, w := range writes {
		for _, action := range actions[w.Action] {
			if err := caller.May(auth.RepoPermission(w.Collection, action)); err != nil {
				return err
			}
		}
	}
	return nil
}

// actions are what writes do, as scopes name it.
var actions = map[repo.Action][]string{
	repo.Create: {"create"},
	repo.Update: {"update"},
	repo.Put:    {"create", "update"},
	repo.Delete: {"delete"},
}
