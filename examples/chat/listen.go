package main

import (
	"context"
	"errors"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

const collection syntax.NSID = "com.example.chat.message"

// said is a record.
type said struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

type listenParams struct {
	Room   string `json:"room"`
	Cursor int64  `json:"cursor,omitempty" default:"-1"` // the seq of the last message that was heard; -1 for from now on
}

// message goes to those who listen, as #said or, without a text, as #unsaid.
type message struct {
	Seq  int64        `json:"seq"`
	URI  syntax.ATURI `json:"uri"`
	Text string       `json:"text,omitempty"`
}

// left goes to those who listen, as #left: nothing of what the member has said is to be shown any more.
type left struct {
	Seq int64      `json:"seq"`
	DID syntax.DID `json:"did"`
}

// listen streams what members say in a room, to members. It reads the log that the PDS writes anyway: nothing is missed
// between two connections, and no writer waits for a slow listener.
func listen(srv *pds.Server, log storage.Events) xrpc.Method {
	return xrpc.Subscription("com.example.chat.listen", auth.Session.In(auth.Active),
		func(ctx context.Context, c *xrpc.Call[listenParams], out *xrpc.Stream) (err error) {
			after := c.Input.Cursor
			if after < 0 {
				if after, err = log.LastSeq(ctx); err != nil {
					return err
				}
			}
			for e, err := range srv.Events(ctx, after) {
				if errors.Is(err, firehose.ErrFutureCursor) || errors.Is(err, firehose.ErrOutdatedCursor) {
					return xrpc.Errorf("BadCursor", "Begin anew, by reading what is in the repos")
				}
				if err != nil {
					return err
				}
				if err := tell(e, c.Input.Room, out); err != nil {
					return err
				}
			}
			return nil
		})
}

// tell sends what an event says of a room.
func tell(e firehose.Event, room string, out *xrpc.Stream) error {
	if e.Account != nil && !e.Account.Active {
		return out.Send("#left", left{e.Seq, e.DID})
	}
	if e.Commit == nil {
		return nil
	}
	for _, op := range e.Commit.Ops {
		if op.Collection != collection {
			continue
		}
		m := message{Seq: e.Seq, URI: syntax.ATURI("at://" + e.DID.String() + "/" + collection.String() + "/" + op.RecordKey.String())}
		kind := "#unsaid"
		var record said
		if op.Action != firehose.Delete && op.Decode(&record) == nil && record.Room == room {
			kind, m.Text = "#said", record.Text
		}
		if kind == "#unsaid" && op.Action == firehose.Create { // it never was said here
			continue
		}
		if err := out.Send(kind, m); err != nil {
			return err
		}
	}
	return nil
}
