package xrpc

import (
	"bufio"
	"net"
	"net/http"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Measurement is what there is to know of a request that has been answered.
type Measurement struct {
	// Method is what was asked for, "" if that is no NSID. Registered says whether the server has it; of the names of
	// others, which clients make up, there is no end.
	Method     syntax.NSID
	Registered bool

	Status   int           // of the response; 101 for a subscription
	Error    string        // its name, "" if there was none
	Duration time.Duration // until the response was written, or the subscription ended
}

func (m *Mux) measure(q *request, begun time.Time) {
	_, registered := m.methods[q.id]
	nsid, err := syntax.ParseNSID(q.id)
	if err != nil {
		nsid = ""
	}
	status := q.w.status
	if status == 0 {
		status = http.StatusOK // as net/http answers for who writes nothing
	}
	m.cfg.Measure(q.r.Context(), Measurement{
		Method: nsid, Registered: registered,
		Status: status, Error: q.failure, Duration: m.cfg.Now().Sub(begun),
	})
}

// trackingWriter knows what has become of a response.
type trackingWriter struct {
	http.ResponseWriter
	begun  bool
	status int // 0 before it has begun
}

// WriteHeader implements [http.ResponseWriter]. The response begins with a status that is valid and that no other follows.
func (w *trackingWriter) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status)
	if !w.begun && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.begun, w.status = true, status
	}
}

func (w *trackingWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun, w.status = true, http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Hijack implements [http.Hijacker]. Who takes the connection answers on it that protocols are switched.
func (w *trackingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begun, w.status = true, http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap is for http.ResponseController.
func (w *trackingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
