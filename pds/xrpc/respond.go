package xrpc

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
)

// JSONAppender is an output that writes its JSON itself, where that is worth it: without being encoded, checked and
// copied again. What it is given to append to, it doesn't keep.
type JSONAppender interface {
	AppendJSON(dst []byte) ([]byte, error)
}

// buffers keeps the memory of responses for the next ones: to grow it anew was an eighth of the work of a listing.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxBuffer is the size, in bytes, above which memory isn't kept.
const maxBuffer = 1 << 20

func respond[Out any](q *request, out *Out) error {
	if out == nil {
		if err := q.checkOutput(nil); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	if a, ok := any(out).(JSONAppender); ok {
		return respondAppended(q, a)
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return writeJSON(q, body)
}

func respondAppended(q *request, out JSONAppender) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	body, err := out.AppendJSON((*buf)[:0])
	if cap(body) <= maxBuffer {
		*buf = body
	}
	if err != nil {
		return err
	}
	return writeJSON(q, body)
}

// writeJSON tells the length, so that a long body isn't sent in chunks.
func writeJSON(q *request, body []byte) error {
	if err := q.checkOutput(body); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := q.w.Write(body)
	return err
}
