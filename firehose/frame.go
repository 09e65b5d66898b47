package firehose

import (
	"errors"
	"fmt"
	"sync"

	cbg "github.com/whyrusleeping/cbor-gen"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// Frame is an event as it goes over the wire. All readers of it share what it is encoded to.
type Frame struct {
	storage.Event

	binary []byte
	text   struct {
		once  sync.Once
		bytes []byte
		err   error
	}
}

// NewFrame encodes an event of the log. Error: the body isn't one that this library writes.
func NewFrame(e storage.Event) (*Frame, error) {
	b, err := encodeFrame(e)
	return &Frame{Event: e, binary: b}, err
}

// CBOR returns the frame of the protocol's default encoding: a header with the event's kind, and the body, which has the
// sequence number.
//
// Spec: https://atproto.com/specs/event-stream
func (f *Frame) CBOR() []byte { return f.binary }

// Text returns what encode makes of the frame. It is called once; all later calls return the same.
func (f *Frame) Text(encode func(*Frame) ([]byte, error)) ([]byte, error) {
	f.text.once.Do(func() { f.text.bytes, f.text.err = encode(f) })
	return f.text.bytes, f.text.err
}

// Body returns the event's message with its sequence number, DAG-CBOR.
func (f *Frame) Body() []byte { return f.binary[len(headers[f.Kind]):] }

// headers are the headers of frames by kind: {"op": 1, "t": kind}.
var headers = map[storage.EventKind][]byte{}

func init() {
	for _, kind := range []storage.EventKind{
		storage.EventCommit, storage.EventSync, storage.EventIdentity, storage.EventAccount,
	} {
		h := append([]byte{0xa2, 0x61, 't', 0x60 | byte(len(kind))}, kind...)
		headers[kind] = append(h, 0x62, 'o', 'p', 0x01)
	}
}

var errBody = errors.New("firehose: an event's body is not a message with a sequence number of 0")

// encodeFrame puts the sequence number into the body without decoding it: a reader that catches up goes through
// hundreds of thousands of events.
func encodeFrame(e storage.Event) ([]byte, error) {
	header, ok := headers[e.Kind]
	if !ok {
		return nil, fmt.Errorf("firehose: unknown kind of event %q", e.Kind)
	}
	at, err := seqOffset(e.Body)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, 0, len(header)+len(e.Body)+8)
	frame = append(append(frame, header...), e.Body[:at]...)
	frame = append(frame, cbg.CborEncodeMajorType(cbg.MajUnsignedInt, uint64(e.Seq))...)
	return append(frame, e.Body[at+1:]...), nil
}

// seqOffset finds the value 0 of the key seq in a message.
func seqOffset(body []byte) (int, error) {
	seq, rest, ok := data.Property(body, "seq")
	if !ok || len(seq) != 1 || seq[0] != 0 {
		return 0, errBody
	}
	return len(body) - len(rest) - len(seq), nil
}
