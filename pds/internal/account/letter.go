package account

import (
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Letter brings a code to an account's owner by e-mail.
type Letter struct {
	Purpose   Purpose
	To        string // the address
	DID       syntax.DID
	Handle    syntax.Handle // "" if the account has none
	Code      string
	ExpiresAt time.Time // of the code
}

// Purpose is what a code is good for.
type Purpose string

const (
	ResetPassword Purpose = "reset_password"
	ConfirmEmail  Purpose = "confirm_email"
	UpdateEmail   Purpose = "update_email"
	DeleteAccount Purpose = "delete_account"
)

// kind is the [storage.Document] kind of the codes.
func (p Purpose) kind() string { return "email-" + string(p) }
