package xrpc

import (
	"errors"
	"fmt"

	"github.com/pdskit/pdskit/pds/lexicon"
)

// endpoint is a method as a [Mux] serves it.
type endpoint struct {
	Method
	lexicon *lexicon.Method // nil if it isn't known
}

// bind finds a method's lexicon, and panics if the method isn't what that says.
func bind(m Method, lexicons *lexicon.Catalog) *endpoint {
	if lexicons == nil {
		return &endpoint{Method: m}
	}
	found, err := lexicons.Method(m.ID)
	if errors.Is(err, lexicon.ErrUnknown) {
		if _, err := lexicons.Resolve(m.ID.String()); err == nil {
			panic("xrpc: " + m.ID.String() + " is no method, its lexicon says")
		}
		return &endpoint{Method: m}
	}
	if err != nil {
		panic("xrpc: " + err.Error())
	}
	if found.Verb() != m.Verb || !m.form.raw && found.Streams() != m.form.stream {
		panic("xrpc: " + m.ID.String() + " is not of the kind that its lexicon says")
	}
	if err := m.form.checkTypes(found); err != nil {
		panic("xrpc: " + err.Error())
	}
	return &endpoint{Method: m, lexicon: found}
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
func (q *request) checkOutput(body []byte) error {
	if !q.checksOutput() {
		return nil
	}
	if err := q.lexicon.CheckOutput(body); err != nil {
		return fmt.Errorf("xrpc: the response isn't what the lexicon says: %w", err)
	}
	return nil
}

// checkMessage is checkOutput for a message of a stream.
func (q *request) checkMessage(message map[string]any) error {
	if !q.checksOutput() {
		return nil
	}
	if err := q.lexicon.CheckMessage(message); err != nil {
		return fmt.Errorf("the message isn't what the lexicon says: %w", err)
	}
	return nil
}
