package xrpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// TextProtocol is the WebSocket subprotocol of streams whose frames are JSON.
//
// Spec: https://github.com/bluesky-social/proposals/tree/main/0015-json-subscriptions
const TextProtocol = "xrpc.v1.json"

const (
	pingEvery    = 30 * time.Second
	pongWithin   = 20 * time.Second
	stallLimit   = 30 * time.Second // for frames to be taken
	compressFrom = 512              // bytes of a frame
)

// Subscription makes a subscription: a stream of frames over a WebSocket. In is a struct of its parameters, as for a
// [Query]. fn sends until it returns, or until ctx ends because the client has gone; an error that it returns, as far as
// it is one that clients are told of, is sent as an error frame before the connection is closed.
//
// It panics if id isn't an NSID or In can't be decoded from parameters.
//
// Spec: https://atproto.com/specs/event-stream
func Subscription[In any](id string, policy auth.Policy, fn func(context.Context, *Call[In], *Stream) error) Method {
	decode, nsid := decodeParams[In](id), mustNSID(id)
	return Method{
		ID: nsid, Verb: http.MethodGet, Policy: policy,
		serve: func(q *request) error {
			c := newCall[In](q)
			if err := decode(q, &c.Input); err != nil {
				return err
			}
			return serveStream(q, nsid, func(ctx context.Context, s *Stream) error { return fn(ctx, &c, s) })
		},
		form: form{stream: true, checkTypes: func(l *lexicon.Method) error {
			return l.CheckTypes(reflect.TypeFor[In](), reflect.TypeFor[struct{}]())
		}},
	}
}

// Stream is the server's end of a subscription. It isn't safe for concurrent use.
type Stream struct {
	// Text says that the client takes JSON frames. If false, it takes CBOR.
	Text bool

	method  syntax.NSID
	request *request
	conn    *websocket.Conn
	out     *corkedConn
	stall   *time.Timer // ends the connection when a frame takes too long
	busy    atomic.Bool // frames are being written
	frames  atomic.Int64
}

// errGone: the client has closed the connection, or takes nothing any more.
var errGone = errors.New("xrpc: the client has gone")

// Write sends whole frames that are encoded as Text says. If the client takes none of them for 30 seconds, the connection is
// cut. After an error there is no more to be done than to return it.
func (s *Stream) Write(frames ...[]byte) error {
	kind := websocket.MessageBinary
	if s.Text {
		kind = websocket.MessageText
	}
	s.busy.Store(true)
	defer s.busy.Store(false)
	defer s.stall.Stop()
	s.out.cork()
	for _, frame := range frames {
		s.stall.Reset(stallLimit)
		s.frames.Add(1)
		if err := s.conn.Write(context.Background(), kind, frame); err != nil { // the timer ends it, at the latest
			s.out.uncork() // the answer to the client's goodbye may be in it
			return fmt.Errorf("%w: %w", errGone, err)
		}
	}
	if err := s.out.uncork(); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

func serveStream(q *request, id syntax.NSID, fn func(context.Context, *Stream) error) error {
	w, r := &q.w, q.r
	if !IsUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		return &Error{
			Status: http.StatusUpgradeRequired, Name: "UpgradeRequired",
			Message: "This is a subscription: connect with a WebSocket",
		}
	}
	hijacked := &corkingWriter{ResponseWriter: w}
	conn, err := websocket.Accept(hijacked, r, &websocket.AcceptOptions{
		Subprotocols:         []string{TextProtocol},
		InsecureSkipVerify:   true, // any origin may, or [refuseForeign] has refused
		CompressionMode:      websocket.CompressionNoContextTakeover,
		CompressionThreshold: compressFrom,
	})
	if status := hijacked.refused; err != nil && status >= 400 && status < 500 {
		return &Error{Status: status, Name: "InvalidRequest", Message: err.Error()}
	}
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 10) // clients have nothing to say
	ctx, cancel := context.WithCancel(conn.CloseRead(r.Context()))
	defer cancel()
	cut := func() { conn.CloseNow() }
	defer context.AfterFunc(ctx, cut)()
	s := &Stream{
		Text: conn.Subprotocol() == TextProtocol, method: id, request: q, conn: conn, out: hijacked.conn,
		stall: time.AfterFunc(stallLimit, cut),
	}
	s.stall.Stop()
	go s.ping(ctx, cancel)
	return s.end(ctx, fn(ctx, s))
}

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && slices.ContainsFunc(
		strings.Split(r.Header.Get("Connection"), ","),
		func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "upgrade") })
}

// ping ends a stream whose client doesn't answer. One that is behind reads a ping only after all that was sent before: as
// long as it takes frames it is there, and what it may take its time for is the stall timer's to say.
func (s *Stream) ping(ctx context.Context, end context.CancelFunc) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if s.busy.Load() {
			continue
		}
		frames := s.frames.Load()
		pongCtx, cancel := context.WithTimeout(ctx, pongWithin)
		err := s.conn.Ping(pongCtx)
		cancel()
		if err != nil && s.frames.Load() == frames {
			end()
			return
		}
	}
}

// end closes the stream as what its function returned says, and notes the name of the error that the client is told.
func (s *Stream) end(ctx context.Context, err error) error {
	if err == nil {
		s.conn.Close(websocket.StatusNormalClosure, "")
		return nil
	}
	if ctx.Err() != nil || errors.Is(err, errGone) {
		return nil
	}
	e := s.request.classify(err)
	if e == nil {
		e = StatusError(http.StatusInternalServerError, "Internal Server Error")
		defer func() { s.conn.CloseNow() }()
	} else {
		err = nil
	}
	s.request.failure = e.Name
	if s.Write(s.errorFrame(e)) == nil {
		s.conn.Close(websocket.StatusPolicyViolation, e.Name)
	}
	return err
}
