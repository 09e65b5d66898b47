package repo

import (
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/repo/data"
)

// The errors that callers tell apart, with [errors.Is]. Each says that nothing was written. Errors of storage come
// through wrapped; storage.ErrNotFound means that there is no such repo.
var (
	// ErrRecordExists: there is a record at the path of a [Create].
	ErrRecordExists = errors.New("repo: record already exists")

	// ErrRecordNotFound: there is no record at the path of an [Update], or of a [Delete] among several operations.
	ErrRecordNotFound = errors.New("repo: record not found")

	// ErrSwap: the caller's condition doesn't hold. It is either an [ErrSwapCommit] or an [ErrSwapRecord].
	ErrSwap = errors.New("repo: swap refused")

	// ErrSwapCommit is an [ErrSwap]: the head isn't [Batch.SwapCommit].
	ErrSwapCommit = fmt.Errorf("%w: head differs", ErrSwap)

	// ErrSwapRecord is an [ErrSwap]: what is at a path isn't [Op.Swap].
	ErrSwapRecord = fmt.Errorf("%w: record differs", ErrSwap)

	// ErrTooManyOps: a batch has more than [MaxOps] operations.
	ErrTooManyOps = errors.New("repo: too many operations in one commit")

	// ErrTooLarge: the blocks of the commit would exceed [MaxCommitBytes], or a record [MaxRecordBytes].
	ErrTooLarge = errors.New("repo: too large")

	// ErrInvalidOp: an operation has an unknown action, or a value that doesn't go with its action
	// or that [data.Check] refuses.
	ErrInvalidOp = errors.New("repo: invalid operation")

	// ErrInvalidPath is an [ErrInvalidOp]: a path isn't a collection's NSID, a slash and a record key.
	ErrInvalidPath = fmt.Errorf("%w: path", ErrInvalidOp)

	// ErrDuplicatePath is an [ErrInvalidOp]: two operations of a batch have the same path, which the protocol excludes.
	ErrDuplicatePath = fmt.Errorf("%w: path occurs twice", ErrInvalidOp)

	// ErrBlobNotFound: a record refers to a blob that the account doesn't have.
	ErrBlobNotFound = errors.New("repo: blob not found")

	// ErrBlockNotFound: the repo doesn't have a block that [Engine.Blocks] was asked for.
	ErrBlockNotFound = errors.New("repo: block not found")

	// ErrInvalidCAR: what is to be imported is no CAR file, or no valid repo of the account.
	ErrInvalidCAR = data.ErrInvalidCAR

	// ErrMissingBlock is an [ErrInvalidCAR]: a block that the tree names isn't in the file.
	ErrMissingBlock = fmt.Errorf("%w: missing block", ErrInvalidCAR)

	// ErrRepoVersion is an [ErrInvalidCAR]: the repo isn't of version 3.
	ErrRepoVersion = fmt.Errorf("%w: repo version", ErrInvalidCAR)

	// ErrCorrupt: what storage holds contradicts itself. [Engine.Verify] says where.
	ErrCorrupt = errors.New("repo: stored repo is corrupt")
)
