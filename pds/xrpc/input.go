package xrpc

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"

	"github.com/pdskit/pdskit/pds/lexicon"
)

// decodeInput returns what decodes the JSON of a procedure's body. It checks the parameters in the
// URL, too.
func decodeInput[In any](id string) func(*request, *In) error {
	plan := newPlan(id, reflect.TypeFor[In](), false)
	return func(q *request, in *In) error {
		if q.lexicon != nil {
			query, err := url.ParseQuery(q.r.URL.RawQuery)
			if err != nil {
				return errQuery
			}
			if err := refuse(q.lexicon.CheckParams(query)); err != nil {
				return err
			}
		}
		if len(plan.fields) == 0 {
			return nil
		}
		return plan.decodeJSON(q.r, in, q.lexicon)
	}
}

// decodeJSON decodes a request's body into in.
func (p *plan) decodeJSON(r *http.Request, in any, l *lexicon.Method) error {
	if err := CheckContentType(r, "application/json"); err != nil {
		return err
	}
	body, err := readAll(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, in); err != nil {
		return jsonError(err)
	}
	v := reflect.ValueOf(in).Elem()
	for _, f := range p.fields {
		if fv := v.Field(f.index); f.required && fv.IsZero() && (fv.Kind() == reflect.String || !has(body, f.name, l != nil)) {
			return InvalidRequest("Input must have the property %q", f.name)
		}
	}
	return checkInput(l, body)
}

// has reports whether an object has a property. With orNull, that may be null: whether it really may, the lexicon says.
func has(object []byte, name string, orNull bool) bool {
	var properties map[string]json.RawMessage
	if json.Unmarshal(object, &properties) != nil {
		return false
	}
	value, ok := properties[name]
	return ok && (orNull || string(value) != "null")
}

// maxAhead bounds the memory that is taken for a body because its client has said how long it will be, in bytes.
const maxAhead = 1 << 20

// readAll reads the body, whose length is known in most requests, in one piece if it isn't long.
func readAll(r *http.Request) ([]byte, error) {
	if r.ContentLength <= 0 || r.ContentLength > maxAhead {
		return io.ReadAll(r.Body)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

func jsonError(err error) error {
	var syntaxErr *json.SyntaxError
	var typeErr *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntaxErr):
		return InvalidRequest("The request body is not valid JSON, at byte %d", syntaxErr.Offset)
	case errors.As(err, &typeErr) && typeErr.Field == "":
		return InvalidRequest("The request body must be an object")
	case errors.As(err, &typeErr):
		return InvalidRequest("Input/%s must not be of type %s", typeErr.Field, typeErr.Value)
	}
	return InvalidRequest("Input is not valid: %s", err)
}

// CheckContentType refuses a request that has no body, or one of another media type, or a compressed one. The type */*
// stands for any.
func CheckContentType(r *http.Request, want string) error {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return InvalidRequest("A request body is expected but none was provided")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return StatusError(http.StatusUnsupportedMediaType, "unsupported content-encoding: %s", e)
	}
	header := r.Header.Get("Content-Type")
	if header == "" {
		return InvalidRequest("Request encoding (Content-Type) required but not provided")
	}
	got, _, err := mime.ParseMediaType(header)
	if err != nil || want != "*/*" && got != want {
		return InvalidRequest("Wrong request encoding (Content-Type): %s", header)
	}
	return nil
}
