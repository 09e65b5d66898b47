package backup

import (
	"fmt"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Damage is what is wrong with one object of a mirror, or with an account.
type Damage struct {
	DID  syntax.DID // of the account that it belongs to; "" if that can't be told
	Name string     // of the object; "" if it isn't a single one
	Err  error
}

// Error implements error: it names the object and the account.
func (d *Damage) Error() string {
	switch {
	case d.Name == "":
		return fmt.Sprintf("backup: %s: %v", d.DID, d.Err)
	case d.DID == "":
		return fmt.Sprintf("backup: %s: %v", d.Name, d.Err)
	}
	return fmt.Sprintf("backup: %s of %s: %v", d.Name, d.DID, d.Err)
}

// Unwrap returns Err.
func (d *Damage) Unwrap() error { return d.Err }
