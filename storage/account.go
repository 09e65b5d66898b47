package storage

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// AccountStatus says why an account isn't active. The values other than [StatusActive] are those of the protocol's
// #account event.
//
// Spec: https://atproto.com/specs/account
type AccountStatus string

const (
	StatusActive      AccountStatus = ""
	StatusDeactivated AccountStatus = "deactivated"
	StatusSuspended   AccountStatus = "suspended"
	StatusTakendown   AccountStatus = "takendown"
)

// Account is one hosted account.
type Account struct {
	// ID is given by the store when the account is created: greater than that of every account before it, and never
	// given again. What the caller sets is ignored.
	ID int64

	DID syntax.DID

	// Handle is unique among accounts. It is lower case, which the caller sees to. "" if the account has none.
	Handle syntax.Handle

	// Email is unique among accounts. It is lower case, which the caller sees to. "" if the account has none.
	Email            string
	EmailConfirmedAt time.Time // zero if it isn't confirmed

	// PasswordHash is a self-describing hash, never a password. "" if the account has no password.
	PasswordHash string

	CreatedAt time.Time

	// DeactivatedAt is zero unless the owner has deactivated the account, or has moved in and not yet activated it.
	DeactivatedAt time.Time

	// DeleteAfter is when a deactivated account may be deleted, by the owner's wish; zero for never.
	DeleteAfter time.Time

	// TakedownRef is the moderator's reference of a takedown, or "" while there is none. Suspended tells a
	// temporary one from a permanent one.
	TakedownRef string
	Suspended   bool

	// Epoch counts the decisions about the account: the caller raises it with each change of the password, takedown,
	// deactivation and logout everywhere. A write whose [Guard] has an older one is refused.
	Epoch int64

	// SessionEpoch counts those decisions that end sessions: a change of the password and a logout everywhere.
	// Access tokens carry it. The store only keeps it.
	SessionEpoch int64
}

// Status derives the account's status: a moderator's decision outranks the owner's.
func (a *Account) Status() AccountStatus {
	switch {
	case a.TakedownRef != "" && a.Suspended:
		return StatusSuspended
	case a.TakedownRef != "":
		return StatusTakendown
	case !a.DeactivatedAt.IsZero():
		return StatusDeactivated
	}
	return StatusActive
}

// Guard is a condition on an account that a write carries: what the write was decided by. The store checks it
// within the write, so that what was begun before a decision about the account isn't carried out after it.
type Guard struct {
	Epoch int64 // the account has this epoch

	// Statuses has the account's status: nil admits any, an empty slice none.
	Statuses []AccountStatus
}

// Admits reports whether an account is what the guard asks for.
func (g *Guard) Admits(a *Account) bool {
	return g.Epoch == a.Epoch && (g.Statuses == nil || slices.Contains(g.Statuses, a.Status()))
}

// NewAccount is all that comes into being with an account.
type NewAccount struct {
	Account Account

	// Commit is the first commit of the account's repo, with all events of the creation in their order. Its DID is the
	// account's, and its Prev is undefined.
	Commit Commit

	// Invite, if it isn't nil, is the use of an invite code: a compare-and-swap, as of [Documents], that is part of
	// the creation.
	Invite *DocumentSwap
}

// DocumentSwap is a compare-and-swap of a document. See SwapDocument of [Documents].
type DocumentSwap struct{ Old, New Document }

// Hosted is an account with its repo's head.
type Hosted struct {
	Account
	Head Head
}

// Accounts keeps the account rows.
type Accounts interface {
	// CreateAccount creates an account and its repo, appends the commit's events and uses up the invite, as one write.
	// Of two calls that race for a DID, handle or address exactly one succeeds.
	//
	// It returns the account's ID. Errors, of which the first that applies is returned: [ErrExists]
	// if the DID has an account or a repo; [ErrHandleTaken]; [ErrEmailTaken]; [ErrConflict] if the
	// invite is no longer what Invite.Old says, or isn't there; [ErrNotFound] if a record refers to
	// a blob, of which a new account has none, unless the commit's AllowMissingBlobs is set.
	CreateAccount(ctx context.Context, a NewAccount) (int64, error)

	// Account returns the account with a DID. Error: [ErrNotFound].
	Account(ctx context.Context, did syntax.DID) (Account, error)

	// AccountByHandle returns the account with a handle. Error: [ErrNotFound], also for "".
	AccountByHandle(ctx context.Context, handle syntax.Handle) (Account, error)

	// AccountByEmail returns the account with an e-mail address. Error: [ErrNotFound], also for "".
	AccountByEmail(ctx context.Context, email string) (Account, error)

	// UpdateAccount calls change with the account as it is, and stores what change makes of it together with events, as
	// one write: no other update comes between the call of change and the write. An error from change is returned as
	// it is, and nothing is written. change may be called more than once, with fresh copies, and calls nothing of the
	// store. It must not alter ID and DID.
	//
	// It returns the sequence number of the last event, or 0 without events. Errors, of which the
	// first that applies is returned: [ErrNotFound]; change's own; [ErrHandleTaken];
	// [ErrEmailTaken].
	UpdateAccount(ctx context.Context, did syntax.DID, change func(*Account) error, events ...Event) (int64, error)

	// DeleteAccount removes the account with its repo, its takedowns and the documents that it owns, queues its blobs,
	// taken down or not, for deletion (see [BlobIndex]), removes the account's earlier events from the log and appends
	// events, as one write. It is idempotent: without such an account it writes nothing, not even the events.
	//
	// It returns the sequence number of the last event, or 0 if nothing was written.
	DeleteAccount(ctx context.Context, did syntax.DID, events ...Event) (int64, error)

	// ListAccounts yields up to limit accounts whose ID is greater than after, by ID, each with its repo's head.
	ListAccounts(ctx context.Context, after int64, limit int) iter.Seq2[Hosted, error]

	// DueAccounts yields the DIDs of up to limit accounts whose time has come: those that are deactivated, taken down or
	// not, and whose DeleteAfter is set and not after now, ordered by DeleteAfter and then by ID. Its cost grows with
	// what it yields, not with the number of accounts.
	DueAccounts(ctx context.Context, now time.Time, limit int) iter.Seq2[syntax.DID, error]
}
