package sync

import (
	"context"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const subscribeReposID = "com.atproto.sync.subscribeRepos"

type subscribeReposParams struct {
	Cursor *int64 `json:"cursor,omitempty"`
}

// filterParams are parameters of our own, which a plain client never notices.
type filterParams struct {
	// WantedCollections selects the commits that touch one of these collections; "app.bsky.feed.*" stands for all that
	// begin so. Other kinds of events aren't concerned. At most 100.
	WantedCollections []string `json:"wantedCollections,omitempty"`

	// WantedDIDs selects the events of these accounts, at most 10,000.
	WantedDIDs []syntax.DID `json:"wantedDids,omitempty"`
}

// subscribeRepos streams the log.
//
// Spec: https://atproto.com/specs/sync
func (s *Server) subscribeRepos() xrpc.Method {
	return xrpc.Subscription(subscribeReposID, auth.Public,
		func(ctx context.Context, c *xrpc.Call[subscribeReposParams], out *xrpc.Stream) error {
			var filtering filterParams
			if err := xrpc.DecodeParams(c.Request, &filtering); err != nil {
				return err
			}
			want, err := newFilter(&filtering)
			if err != nil {
				return err
			}
			cursor, err := s.cursor(ctx, c.Input.Cursor, out)
			if err != nil {
				return err
			}
			encode := encoding(out)
			var encoded [][]byte
			for frames, err := range s.Stream.Read(ctx, cursor) {
				if err != nil {
					return hosting.StreamError(err)
				}
				if encoded, err = encodeFrames(encoded[:0], frames, want, encode); err != nil {
					return err
				}
				if err := out.Write(encoded...); err != nil {
					return err
				}
			}
			return nil
		})
}

// cursor reads the client's cursor, and tells a client that it has missed events.
func (s *Server) cursor(ctx context.Context, given *int64, out *xrpc.Stream) (firehose.Cursor, error) {
	if given == nil {
		return firehose.Cursor{Live: true}, nil
	}
	if *given < 0 {
		return firehose.Cursor{}, xrpc.InvalidRequest("Error: Param \"cursor\" must be a sequence number")
	}
	c := firehose.Cursor{After: *given}
	outdated, err := s.Stream.Outdated(ctx, c)
	if err == nil && outdated {
		err = out.Write(infoFrame(out.Text, "OutdatedCursor", "Requested cursor exceeded limit. Possibly missing events"))
	}
	return c, err
}

// encoding returns how a stream's frames are encoded.
func encoding(out *xrpc.Stream) func(*firehose.Frame) ([]byte, error) {
	if out.Text {
		return func(f *firehose.Frame) ([]byte, error) { return f.Text(encodeText) }
	}
	return func(f *firehose.Frame) ([]byte, error) { return f.CBOR(), nil }
}

// encodeFrames appends the encoded frames that are wanted.
func encodeFrames(to [][]byte, frames []*firehose.Frame, want *filter,
	encode func(*firehose.Frame) ([]byte, error)) ([][]byte, error) {
	for _, f := range frames {
		if !want.has(f) {
			continue
		}
		frame, err := encode(f)
		if err != nil {
			return nil, err
		}
		to = append(to, frame)
	}
	return to, nil
}

// encodeText is the frame's form in xrpc.v1.json.
func encodeText(f *firehose.Frame) ([]byte, error) {
	dst := append([]byte(nil), `{"$type":"message","payload":{"$type":"`+subscribeReposID...)
	dst = append(dst, f.Kind...)
	dst = append(dst, `",`...)
	at := len(dst)
	dst, err := xrpc.AppendJSON(dst, f.Body())
	if err != nil {
		return nil, err
	}
	dst = append(dst[:at], dst[at+1:]...) // the payload's own brace
	return append(dst, '}'), nil
}

func infoFrame(text bool, name, message string) []byte {
	if text {
		return []byte(`{"$type":"message","payload":{"$type":"` + subscribeReposID + `#info","name":"` + name +
			`","message":"` + message + `"}}`)
	}
	frame := []byte("\xa2\x61t\x65#info\x62op\x01\xa2\x64name")
	frame = append(append(frame, 0x60|byte(len(name))), name...) // shorter than 24 bytes
	frame = append(frame, "\x67message\x78"...)
	return append(append(frame, byte(len(message))), message...)
}
