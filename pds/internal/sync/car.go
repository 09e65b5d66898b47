package sync

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/pds/xrpc"
)

const (
	carBuffer = 64 << 10 // bytes gathered before a write

	// stallLimit ends the response to a client that takes nothing for so long: it holds a snapshot of the store.
	stallLimit = 30 * time.Second

	// slowGrace and slowRate bound for how long a client that takes a little now and then can hold the snapshot: it may
	// keep the server waiting for slowGrace, and a second more for each slowRate bytes that it takes.
	slowGrace = time.Minute
	slowRate  = 16 << 10
)

// carMethod makes a query that answers with a CAR. write writes it to w for the repo of did, whose account the caller
// may read; its errors become a proper answer until the first bytes are out.
func carMethod[In any](s *Server, id string, did func(*In) syntax.DID,
	write func(ctx context.Context, in *In, w io.Writer) error) xrpc.Method {
	serve := func(w http.ResponseWriter, c *xrpc.Call[In]) error {
		in, r := &c.Input, c.Request
		if _, err := s.Readable(r.Context(), did(in).AtIdentifier(), c.Caller); err != nil {
			return err
		}
		car := &carWriter{w: w, rc: http.NewResponseController(w), head: r.Method == http.MethodHead}
		buf := bufio.NewWriterSize(car, carBuffer)
		err := write(r.Context(), in, buf)
		if err == nil {
			err = buf.Flush()
		}
		if err == nil || errors.Is(err, errHead) {
			return nil
		}
		return hosting.ExportError(did(in), err)
	}
	return xrpc.Raw(id, reader, http.MethodGet, serve)
}

// errHead ends what is written for a client that wants no more than the response's head: a whole repo would be read, and it
// would cost the client nothing.
var errHead = errors.New("sync: nobody wants the body")

// carWriter sets the content type before the first byte, and a deadline for each write. Only the time that writes take
// counts: how fast the store is isn't the client's doing.
type carWriter struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	head   bool          // the first write ends with errHead
	taken  int64         // bytes
	waited time.Duration // for them to be taken
}

func (c *carWriter) Write(b []byte) (int, error) {
	c.w.Header().Set("Content-Type", "application/vnd.ipld.car")
	if c.head {
		return 0, errHead
	}
	begin := time.Now()
	c.rc.SetWriteDeadline(begin.Add(c.patience(len(b)))) // not supported outside of a server: then there is no stalling
	n, err := c.w.Write(b)
	c.taken += int64(n)
	c.waited += time.Since(begin)
	return n, err
}

// patience is how long the next write of n bytes may take.
func (c *carWriter) patience(n int) time.Duration {
	earned := time.Duration(c.taken+int64(n)) * (time.Second / slowRate)
	return min(stallLimit, slowGrace+earned-c.waited)
}
