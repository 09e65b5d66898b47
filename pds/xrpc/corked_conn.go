package xrpc

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

const (
	corkBytes = 32 << 10
	sendBytes = 512 << 10 // that the system buffers for a client that reads slowly
)

// corkedConn gathers what is written to it until it is flushed, so that many small frames are one system call. While it
// is flushed there is no compressor that waits: a client that takes nothing holds one buffer.
type corkedConn struct {
	net.Conn
	mu     sync.Mutex
	corked bool
	buf    *[]byte // of corkBuffers, nil if nothing is held back
	err    error
}

var corkBuffers = sync.Pool{New: func() any {
	buf := make([]byte, 0, corkBytes)
	return &buf
}}

func (c *corkedConn) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = true
}

// uncork sends what is held back.
func (c *corkedConn) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	return c.flush()
}

// Write implements [net.Conn].
func (c *corkedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corked && len(b) < corkBytes {
		if c.buf != nil && len(*c.buf)+len(b) > corkBytes {
			if err := c.flush(); err != nil {
				return 0, err
			}
		}
		if c.buf == nil {
			c.buf = corkBuffers.Get().(*[]byte)
		}
		*c.buf = append(*c.buf, b...)
		return len(b), c.err
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.err = err
	return n, err
}

func (c *corkedConn) flush() error {
	if c.buf != nil {
		if c.err == nil {
			_, c.err = c.Conn.Write(*c.buf)
		}
		*c.buf = (*c.buf)[:0]
		corkBuffers.Put(c.buf)
		c.buf = nil
	}
	return c.err
}

// corkingWriter is a response whose connection can be hijacked, and then is corked. If a WebSocket is refused, it writes
// nothing: what comes instead is an answer like all others.
type corkingWriter struct {
	http.ResponseWriter
	conn    *corkedConn
	refused int // the status of the refusal, 0 if there was none
}

// WriteHeader implements [http.ResponseWriter].
func (w *corkingWriter) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *corkingWriter) Write(b []byte) (int, error) { return len(b), nil }

// Hijack implements [http.Hijacker].
func (w *corkingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(sendBytes)
	}
	w.conn = &corkedConn{Conn: conn}
	return w.conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(w.conn, 1<<10)), nil
}
