package backup

import (
	"errors"
	"fmt"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// errUnknown: a frame is of a kind that this package doesn't know, which the protocol says to ignore.
var errUnknown = errors.New("backup: unknown kind of frame")

var errFrame = errors.New("backup: malformed frame")

// decodeFrame reads a frame of the event stream. Errors: errUnknown; [ErrOutdated] and [ErrBehind], if the frame says that
// the cursor is so; another, if it is malformed or an error of the server's.
//
// Spec: https://atproto.com/specs/event-stream
func decodeFrame(frame []byte) (storage.Event, error) {
	header, body, err := data.Split(frame)
	if err != nil {
		return storage.Event{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	op, kind, err := decodeHeader(header)
	if err != nil {
		return storage.Event{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	switch {
	case op == -1:
		return storage.Event{}, decodeError(body)
	case op != 1:
		return storage.Event{}, errUnknown
	}
	e, err := decodeBody(storage.EventKind(kind), body)
	if err != nil && !errors.Is(err, errUnknown) && !errors.Is(err, ErrOutdated) {
		err = fmt.Errorf("%w: %w", errFrame, err)
	}
	return e, err
}

// decodeHeader reads an object with an integer op and a text t, which errors don't have.
func decodeHeader(b []byte) (op int64, kind string, err error) {
	header, err := data.Decode(b)
	if err != nil {
		return 0, "", err
	}
	op, ok := header["op"].(int64)
	if !ok {
		return 0, "", errors.New("a header without op")
	}
	kind, _ = header["t"].(string)
	return op, kind, nil
}

// decodeError returns the error that a server ends the stream with.
func decodeError(body []byte) error {
	name, message, err := decodeTexts(body, "error")
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errFrame, err)
	case name == "FutureCursor":
		return fmt.Errorf("%w: %s", ErrBehind, name)
	}
	return fmt.Errorf("backup: the server ends the stream: %s: %s", name, message)
}

// decodeTexts reads an object with a text that has the given name, and maybe a text "message".
func decodeTexts(body []byte, nameKey string) (name, message string, err error) {
	texts, err := data.Decode(body)
	if err != nil {
		return "", "", err
	}
	name, ok := texts[nameKey].(string)
	if !ok {
		return "", "", fmt.Errorf("a body without %s", nameKey)
	}
	message, _ = texts["message"].(string)
	return name, message, nil
}

// decodeBody reads what all messages have in common.
func decodeBody(kind storage.EventKind, body []byte) (storage.Event, error) {
	var seq int64
	var did, at string
	var err error
	switch kind {
	case storage.EventCommit:
		var msg comatproto.SyncSubscribeRepos_Commit
		err = data.Unmarshal(body, &msg)
		seq, did, at = msg.Seq, msg.Repo, msg.Time
	case storage.EventSync:
		var msg comatproto.SyncSubscribeRepos_Sync
		err = data.Unmarshal(body, &msg)
		seq, did, at = msg.Seq, msg.Did, msg.Time
	case storage.EventIdentity:
		var msg comatproto.SyncSubscribeRepos_Identity
		err = data.Unmarshal(body, &msg)
		seq, did, at = msg.Seq, msg.Did, msg.Time
	case storage.EventAccount:
		var msg comatproto.SyncSubscribeRepos_Account
		err = data.Unmarshal(body, &msg)
		seq, did, at = msg.Seq, msg.Did, msg.Time
	case "#info":
		return storage.Event{}, decodeInfo(body)
	default:
		return storage.Event{}, errUnknown
	}
	if err != nil {
		return storage.Event{}, err
	}
	when, _ := time.Parse(time.RFC3339Nano, at) // only to tell whether there may be more; the zero time says there are
	return storage.Event{Seq: seq, DID: syntax.DID(did), Kind: kind, Time: when, Body: body}, nil
}

// decodeInfo reads a notice of the server.
func decodeInfo(body []byte) error {
	name, message, err := decodeTexts(body, "name")
	switch {
	case err != nil:
		return err
	case name == "OutdatedCursor":
		return fmt.Errorf("%w: %s", ErrOutdated, message)
	}
	return errUnknown
}
