package firehose

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	cbg "github.com/whyrusleeping/cbor-gen"

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
	rest, n, ok := open(body, cbg.MajMap)
	for ; ok && n > 0; n-- {
		var key []byte
		if key, rest, ok = text(rest); !ok {
			break
		}
		if string(key) == "seq" {
			if len(rest) == 0 || rest[0] != 0 {
				break
			}
			return len(body) - len(rest), nil
		}
		rest, ok = skip(rest, 0)
	}
	return 0, errBody
}

// text reads a text string.
func text(b []byte) (s, rest []byte, ok bool) {
	rest, n, ok := open(b, cbg.MajTextString)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// open reads the head of an item of a known major type, and returns its argument.
func open(b []byte, major byte) (rest []byte, n uint64, ok bool) {
	got, n, rest, ok := head(b)
	return rest, n, ok && got == major
}

// skip skips an item.
func skip(b []byte, depth int) ([]byte, bool) {
	major, n, b, ok := head(b)
	if !ok || depth > 32 {
		return nil, false
	}
	switch major {
	case cbg.MajByteString, cbg.MajTextString:
		if n > uint64(len(b)) {
			return nil, false
		}
		return b[n:], true
	case cbg.MajMap:
		if n > uint64(len(b)) {
			return nil, false
		}
		n *= 2
	case cbg.MajTag:
		n = 1
	case cbg.MajArray:
	default:
		return b, true
	}
	for ; n > 0; n-- {
		if b, ok = skip(b, depth+1); !ok {
			return nil, false
		}
	}
	return b, true
}

func head(b []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	major, info := b[0]>>5, b[0]&31
	if b = b[1:]; info < 24 {
		return major, uint64(info), b, true
	}
	size := 1 << (info - 24)
	if info > 27 || len(b) < size {
		return 0, 0, nil, false
	}
	var buf [8]byte
	copy(buf[8-size:], b[:size])
	return major, binary.BigEndian.Uint64(buf[:]), b[size:], true
}
