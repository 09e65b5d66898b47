package proxy

import (
	"errors"
	"io"
	"sync/atomic"
)

// patchBudget is how many bytes of answers may be held at once to be patched, those of all requests together. An answer
// for which nothing is left is passed on as it is. In Go's terms it takes several times as much memory.
const patchBudget = 64 << 20

var errBudget = errors.New("proxy: too many answers are being patched")

// budget counts the bytes that are held.
type budget struct{ held atomic.Int64 }

// share is one request's part of a budget. A nil share isn't counted. A patch may ask several things at once.
type share struct {
	budget *budget
	held   atomic.Int64
}

func (b *budget) share() *share { return &share{budget: b} }

// release gives everything back.
func (s *share) release() { s.budget.held.Add(-s.held.Load()) }

// reader counts what is read from r. Once nothing is left it returns errBudget, with the last bytes.
func (s *share) reader(r io.Reader) io.Reader {
	if s == nil {
		return r
	}
	return shareReader{r, s}
}

type shareReader struct {
	r io.Reader
	s *share
}

func (r shareReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.s.held.Add(int64(n))
	if r.s.budget.held.Add(int64(n)) > patchBudget && n > 0 {
		err = errBudget
	}
	return n, err
}
