package backup

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/syntax"
	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/storage"
)

// errUnknown: a frame is of a kind that this package doesn't know, which the protocol says to ignore.
var errUnknown = errors.New("backup: unknown kind of frame")

var errFrame = errors.New("backup: malformed frame")

const maxText = 4 << 10 // bytes of a text in a header or an error

// decodeFrame reads a frame of the event stream. Errors: errUnknown; [ErrOutdated] and [ErrBehind], if the frame says that
// the cursor is so; another, if it is malformed or an error of the server's.
//
// Spec: https://atproto.com/specs/event-stream
func decodeFrame(data []byte) (storage.Event, error) {
	r := bytes.NewReader(data)
	op, kind, err := decodeHeader(r)
	if err != nil {
		return storage.Event{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	body := data[len(data)-r.Len():]
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

// decodeHeader reads a map with an integer op and a text t.
func decodeHeader(r *bytes.Reader) (op int64, kind string, err error) {
	cr := cbg.NewCborReader(r)
	err = eachKey(cr, func(key string) (bool, error) {
		switch key {
		case "op":
			var n cbg.CborInt
			err := n.UnmarshalCBOR(cr)
			op = int64(n)
			return true, err
		case "t":
			kind, err = cbg.ReadStringWithMax(cr, maxText)
			return true, err
		}
		return false, nil
	})
	return op, kind, err
}

// eachKey calls read with each key of a small map, to read its value. Error: read doesn't know the key.
func eachKey(cr *cbg.CborReader, read func(key string) (known bool, err error)) error {
	major, n, err := cr.ReadHeader()
	if err != nil {
		return err
	}
	if major != cbg.MajMap || n > 16 {
		return errors.New("not a small map")
	}
	for ; n > 0; n-- {
		key, err := cbg.ReadStringWithMax(cr, maxText)
		if err != nil {
			return err
		}
		known, err := read(key)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("unknown key %q", key)
		}
	}
	return nil
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

// decodeTexts reads a map of two texts, of which the second is "message".
func decodeTexts(body []byte, nameKey string) (name, message string, err error) {
	cr := cbg.NewCborReader(bytes.NewReader(body))
	err = eachKey(cr, func(key string) (bool, error) {
		text, err := cbg.ReadStringWithMax(cr, maxText)
		switch key {
		case nameKey:
			name = text
		case "message":
			message = text
		}
		return true, err
	})
	return name, message, err
}

// decodeBody reads what all messages have in common.
func decodeBody(kind storage.EventKind, body []byte) (storage.Event, error) {
	r := bytes.NewReader(body)
	var seq int64
	var did, at string
	var err error
	switch kind {
	case storage.EventCommit:
		var msg comatproto.SyncSubscribeRepos_Commit
		err = msg.UnmarshalCBOR(r)
		seq, did, at = msg.Seq, msg.Repo, msg.Time
	case storage.EventSync:
		var msg comatproto.SyncSubscribeRepos_Sync
		err = msg.UnmarshalCBOR(r)
		seq, did, at = msg.Seq, msg.Did, msg.Time
	case storage.EventIdentity:
		var msg comatproto.SyncSubscribeRepos_Identity
		err = msg.UnmarshalCBOR(r)
		seq, did, at = msg.Seq, msg.Did, msg.Time
	case storage.EventAccount:
		var msg comatproto.SyncSubscribeRepos_Account
		err = msg.UnmarshalCBOR(r)
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
