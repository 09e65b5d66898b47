package xrpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pdskit/pdskit/pds/lexicon"
)

// bind finds a method's lexicon, and panics if the method isn't what that says.
func (m *Method) bind(lexicons *lexicon.Catalog) {
	found, err := lexicons.Method(m.ID)
	if errors.Is(err, lexicon.ErrUnknown) {
		if _, err := lexicons.Resolve(m.ID.String()); err == nil {
			panic("xrpc: " + m.ID.String() + " is no method, its lexicon says")
		}
		return
	}
	if err != nil {
		panic("xrpc: " + err.Error())
	}
	if found.Verb() != m.Verb || m.in != nil && found.Streams() != m.stream {
		panic("xrpc: " + m.ID.String() + " is not of the kind that its lexicon says")
	}
	if m.in != nil {
		if err := found.CheckTypes(m.in, m.out); err != nil {
			panic("xrpc: " + err.Error())
		}
	}
	m.lexicon = found
}

// tracking finds the Mux's own writer below those that middleware has put around it, nil if there is none. It has the
// lexicon of the method under way.
func tracking(w http.ResponseWriter) *trackingWriter {
	for {
		switch v := w.(type) {
		case *trackingWriter:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}

// lexiconOf returns the lexicon of the method under way, nil if it isn't known.
func lexiconOf(w http.ResponseWriter) *lexicon.Method {
	if t := tracking(w); t != nil {
		return t.lexicon
	}
	return nil
}

// lexiconKey is the context's key for the lexicon of a method that isn't typed. See [DecodeParams].
type lexiconKey struct{}

func withLexicon(r *http.Request, m *Method) *http.Request {
	if m.lexicon == nil || m.in != nil {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), lexiconKey{}, m.lexicon))
}

func checkParams(l *lexicon.Method, rawQuery string) error {
	if l == nil {
		return nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return InvalidRequest("Error: Params are not a valid query string")
	}
	return refuse(l.CheckParams(query))
}

func checkInput(l *lexicon.Method, body []byte) error {
	if l == nil {
		return nil
	}
	return refuse(l.CheckInput(body))
}

// refuse tells the client what is wrong with a request.
func refuse(err error) error {
	if invalid := (*lexicon.InvalidError)(nil); errors.As(err, &invalid) {
		return InvalidRequest("Error: %s", invalid)
	}
	return err
}

// checkOutput finds a mistake of a method, in development.
func checkOutput(w http.ResponseWriter, body []byte) error {
	t := tracking(w)
	if t == nil || !t.checksOutput() {
		return nil
	}
	if err := t.lexicon.CheckOutput(body); err != nil {
		return fmt.Errorf("xrpc: the response isn't what the lexicon says: %w", err)
	}
	return nil
}

// checkMessage is checkOutput for a message of a stream.
func (t *trackingWriter) checkMessage(message map[string]any) error {
	if !t.checksOutput() {
		return nil
	}
	if err := t.lexicon.CheckMessage(message); err != nil {
		return fmt.Errorf("the message isn't what the lexicon says: %w", err)
	}
	return nil
}

func (t *trackingWriter) checksOutput() bool { return t.lexicon != nil && t.checkOutput }
