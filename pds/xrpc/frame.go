package xrpc

import (
	"encoding/json"
	"fmt"

	"github.com/bluesky-social/indigo/atproto/atdata"
	cbg "github.com/whyrusleeping/cbor-gen"
)

// Send encodes a message as Text says, and writes it. The kind is the message's name in the method's lexicon with "#" in
// front, as in "#message". The message is anything that encodes to a JSON object of the data model. Errors: that it isn't
// one; those of [Stream.Write]; in development, that it isn't what the lexicon says.
//
// Who sends the same message to many clients encodes it once for each of the two encodings, and calls [Stream.Write].
func (s *Stream) Send(kind string, message any) error {
	frame, err := s.encode(kind, message)
	if err != nil {
		return fmt.Errorf("xrpc: encode %s: %w", kind, err)
	}
	return s.Write(frame)
}

func (s *Stream) encode(kind string, message any) ([]byte, error) {
	raw, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	data, err := atdata.UnmarshalJSON(raw)
	if err != nil {
		return nil, err
	}
	data["$type"] = s.method.String() + kind
	if err := s.request.checkMessage(data); err != nil {
		return nil, err
	}
	if s.Text {
		return json.Marshal(map[string]any{"$type": "message", "payload": data})
	}
	delete(data, "$type") // the header says it
	body, err := atdata.MarshalCBOR(data)
	if err != nil {
		return nil, err
	}
	frame := appendText([]byte("\xa2\x61t"), kind)
	return append(append(frame, "\x62op\x01"...), body...), nil
}

func (s *Stream) errorFrame(e *Error) []byte {
	if s.Text {
		frame, err := json.Marshal(map[string]string{"$type": "error", "error": e.Name, "message": e.Message})
		if err != nil { // not with strings
			panic(err)
		}
		return frame
	}
	frame := []byte{0xa1, 0x62, 'o', 'p', 0x20, 0xa2} // {"op": -1}, and a map of two
	for _, s := range []string{"error", e.Name, "message", e.Message} {
		frame = appendText(frame, s)
	}
	return frame
}

// appendText appends a text string of CBOR.
func appendText(dst []byte, s string) []byte {
	return append(append(dst, cbg.CborEncodeMajorType(cbg.MajTextString, uint64(len(s)))...), s...)
}
