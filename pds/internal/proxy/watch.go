package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

var (
	errStalled = errors.New("proxy: no bytes for too long")
	errClient  = errors.New("proxy: the client takes no bytes")
)

// watch ends a context when nothing has happened for a time.
type watch struct {
	timer *time.Timer
	idle  time.Duration
}

// newWatch returns a context that ends when touch isn't called for idle, or when stop is called.
func newWatch(ctx context.Context, idle time.Duration) (_ context.Context, w *watch, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = &watch{time.AfterFunc(idle, func() { cancel(errStalled) }), idle}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

func (w *watch) touch() { w.timer.Reset(w.idle) }

// wait gives time for something that others watch over: a connection to be made, or an answer to begin.
func (w *watch) wait(d time.Duration) { w.timer.Reset(d + w.idle) }

// watchedReader touches a watch with each read that brings something.
type watchedReader struct {
	io.ReadCloser
	watch *watch
}

func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.watch.touch()
	}
	return n, err
}

// requestBody is the body of a request. When it is through, the service has a time to begin its answer.
type requestBody struct {
	watchedReader
	answer time.Duration
}

func (b requestBody) Close() error {
	b.watch.wait(b.answer)
	return b.watchedReader.Close()
}

// watchedWriter writes to a client that has to take the bytes within the idle time, also those that the server holds back
// until the handler has returned. The next request over the connection has a deadline of its own.
type watchedWriter struct {
	w     http.ResponseWriter
	watch *watch
	flush bool // after each write
}

func (w watchedWriter) Write(p []byte) (int, error) {
	c := http.NewResponseController(w.w)
	// Where it isn't supported there is no connection that could stall.
	_ = c.SetWriteDeadline(time.Now().Add(w.watch.idle))
	n, err := w.w.Write(p)
	if err != nil {
		return n, errClient
	}
	if w.flush {
		_ = c.Flush()
	}
	w.watch.touch()
	return n, nil
}
