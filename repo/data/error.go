package data

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errDepth    = fmt.Errorf("objects and arrays are nested deeper than %d levels", MaxDepth)
	errInteger  = fmt.Errorf("numbers must be integers from %d to %d", -maxInteger, maxInteger)
	errShortest = errors.New("a length or number isn't in its shortest form")
	errUnicode  = errors.New("text must be valid Unicode")
	errLink     = errors.New("invalid link")
	errType     = errors.New("must be a text that is not empty")
)

// pathError says where in a record something is wrong.
type pathError struct {
	path string // as in "/embed/images/0"
	err  error
}

// at adds the name of the property that an error is in, or the index of the element.
func at(err error, name any) error {
	e, ok := err.(*pathError)
	if !ok {
		e = &pathError{err: err}
	}
	e.path = fmt.Sprintf("/%v%s", name, e.path)
	return e
}

// maxPath limits how much of a path is shown.
const maxPath = 200

func (e *pathError) Error() string {
	path := e.path
	if len(path) > maxPath {
		path = strings.ToValidUTF8(path[:maxPath], "") + "…"
	}
	return path + ": " + e.err.Error()
}

func (e *pathError) Unwrap() error { return e.err }
