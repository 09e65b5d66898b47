package proxy

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// socketHeaders agree on a WebSocket.
var (
	socketRequest  = []string{"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"}
	socketResponse = []string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"}
)

// tunnel connects a client and a service by a WebSocket: after the handshake, bytes go either way as they come, until one
// of them closes it or none has come for the socket timeout. Who serves a subscription sends pings more often.
func (h *Handler) tunnel(
	w http.ResponseWriter, r *http.Request, did syntax.DID, id syntax.NSID, t target,
) error {
	ctx, watch, stop := newWatch(r.Context(), h.SocketTimeout)
	defer stop()
	out, err := h.request(ctx, r, did, id, t)
	if err != nil {
		return err
	}
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", "websocket")
	copyHeaders(out.Header, r.Header, socketRequest)
	watch.wait(3 * h.HeaderTimeout) // a connection, its encryption, and the answer
	resp, err := t.client.Do(out)
	if err != nil {
		return h.failure(ctx, t.url.Host, err)
	}
	watch.touch()
	defer resp.Body.Close()
	upstream, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok || !xrpc.IsUpgrade(&http.Request{Header: resp.Header}) {
		if resp.StatusCode < 400 {
			return xrpc.StatusError(http.StatusBadGateway, "Upstream service serves no subscription")
		}
		return h.refusal(w.Header(), resp)
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return xrpc.StatusError(http.StatusNotImplemented, "Subscriptions can't be passed on over this connection")
	}
	defer client.Close()
	if err := switchProtocols(buffered.Writer, resp.Header); err != nil {
		return nil // the client has gone
	}
	relay(ctx, watch, client, buffered.Reader, upstream)
	return nil
}

// switchProtocols answers a client whose connection isn't the server's any more.
func switchProtocols(w *bufio.Writer, h http.Header) error {
	answer := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	copyHeaders(answer, h, socketResponse)
	if _, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := answer.Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// relay copies both ways. It ends both connections when one of them has ended, or the context.
func relay(ctx context.Context, watch *watch, client io.ReadWriteCloser, fromClient io.Reader, upstream io.ReadWriteCloser) {
	var once sync.Once
	closeBoth := func() {
		once.Do(func() {
			client.Close()
			upstream.Close()
		})
	}
	defer context.AfterFunc(ctx, closeBoth)()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer closeBoth()
		_, _ = io.Copy(upstream, watchedReader{io.NopCloser(fromClient), watch}) // whatever ends it, both learn by the end
	})
	wg.Go(func() {
		defer closeBoth()
		_, _ = io.Copy(client, watchedReader{upstream, watch})
	})
	wg.Wait()
}
