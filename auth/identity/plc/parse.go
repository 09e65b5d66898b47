package plc

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// ParseOp reads a signed operation in JSON. It is as strict as the public directory: every field has to be there with
// the right type, and no other. It checks neither signature nor limits. Error: [ErrMalformed].
func ParseOp(raw []byte) (Op, error) {
	op, err := parseOp(raw)
	if err != nil {
		return nil, notValid(json.RawMessage(raw))
	}
	return op, nil
}

// notValid shows what isn't an operation, as the public directory does, if it is JSON of a reasonable size.
func notValid(v any) *Error {
	shown, err := json.Marshal(v)
	if err != nil || len(shown) > maxOpBytes {
		return invalid(ErrMalformed, "Not a valid operation")
	}
	return invalid(ErrMalformed, "Not a valid operation: %s", shown)
}

func parseOp(raw []byte) (Op, error) {
	if !utf8.Valid(raw) {
		return nil, errForm
	}
	f, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	kind, err := take[string](f, "type")
	if err != nil {
		return nil, err
	}
	var op Op
	switch kind {
	case typeOperation:
		op, err = parseOperation(f)
	case typeTombstone:
		op, err = parseTombstone(f)
	case typeCreate:
		op, err = parseCreate(f)
	default:
		return nil, errForm
	}
	if err == nil && len(f) > 0 {
		return nil, errForm // fields that don't belong there, and which the hash would leave out
	}
	return op, err
}

func parseOperation(f object) (Op, error) {
	var o Operation
	var services map[string]object
	err := errors.Join(
		takeTo(f, "rotationKeys", &o.RotationKeys),
		takeTo(f, "verificationMethods", &o.VerificationMethods),
		takeTo(f, "alsoKnownAs", &o.AlsoKnownAs),
		takeTo(f, "services", &services),
		takeTo(f, "sig", &o.Sig),
	)
	if err != nil {
		return nil, err
	}
	o.Services = make(map[string]Service, len(services))
	for id, s := range services {
		var service Service
		err := errors.Join(takeTo(s, "type", &service.Type), takeTo(s, "endpoint", &service.Endpoint))
		if err != nil || len(s) > 0 {
			return nil, errForm
		}
		o.Services[id] = service
	}
	if takeNull(f, "prev") {
		return &o, nil
	}
	o.Prev, err = takePrev(f)
	return &o, err
}

func parseTombstone(f object) (Op, error) {
	var t Tombstone
	var err error
	if t.Prev, err = takePrev(f); err != nil {
		return nil, err
	}
	return &t, takeTo(f, "sig", &t.Sig)
}

func parseCreate(f object) (Op, error) {
	var c legacyCreate
	err := errors.Join(
		takeTo(f, "signingKey", &c.SigningKey),
		takeTo(f, "recoveryKey", &c.RecoveryKey),
		takeTo(f, "handle", &c.Handle),
		takeTo(f, "service", &c.Service),
		takeTo(f, "sig", &c.Sig),
	)
	if !takeNull(f, "prev") {
		return nil, errForm
	}
	return &c, err
}

var errForm = errors.New("plc: not an operation")

// object is a JSON object whose fields are taken out one by one, by their exact names, which encoding/json's matching
// of struct fields wouldn't insist on.
type object map[string]json.RawMessage

func parseObject(raw []byte) (object, error) {
	var f object
	if err := json.Unmarshal(raw, &f); err != nil || f == nil {
		return nil, errForm
	}
	return f, nil
}

// take removes a field and returns its value. Neither it nor an element of it may be null.
func take[T any](f object, name string) (T, error) {
	var v T
	err := takeTo(f, name, &v)
	return v, err
}

func takeTo[T any](f object, name string, to *T) error {
	raw, ok := f[name]
	if !ok {
		return errForm
	}
	delete(f, name)
	if hasNull(raw) {
		return errForm
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return errForm
	}
	return nil
}

// takePrev removes the CID of a previous operation. An empty one would be taken for null, and so is refused.
func takePrev(f object) (string, error) {
	prev, err := take[string](f, "prev")
	if err == nil && prev == "" {
		return "", errForm
	}
	return prev, err
}

func takeNull(f object, name string) bool {
	raw, ok := f[name]
	if !ok || string(raw) != "null" {
		return false
	}
	delete(f, name)
	return true
}

// hasNull says whether null stands anywhere in a JSON value. Unmarshalling would take it for the zero value.
func hasNull(raw json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if t == nil {
			return true
		}
	}
}
