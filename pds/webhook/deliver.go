package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// skipped is how many events that aren't for an endpoint can pass before its position is kept. After a crash they're looked
// at again.
const skipped = 1000

// deliver sends what comes into the queue until ctx ends. Nothing is taken from it before the endpoint has accepted what
// came before.
func (d *delivery) deliver(ctx context.Context, kept int64) {
	position := kept
	keep := func(ctx context.Context) {
		if position == kept {
			return
		}
		if err := d.sender.c.Positions.SetPosition(ctx, d.endpoint.Name, position); err != nil {
			d.log(ctx, "its position isn't kept", err) // until the next time; at worst events are repeated
			return
		}
		kept = position
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.sender.c.Timeout)
		defer cancel()
		keep(ctx)
	}()
	for {
		select {
		case b := <-d.queue.slot:
			if len(b.events) > 0 && !d.send(ctx, b) {
				return
			}
			position = b.last
			if len(b.events) > 0 || position-kept >= skipped {
				keep(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// send makes a request until it is accepted, or ctx ends.
func (d *delivery) send(ctx context.Context, b *batch) bool {
	body := b.body()
	id := messageID(d.endpoint.Name, body)
	return d.retry(ctx, "it hasn't accepted a message", func() error { return d.post(ctx, id, body) })
}

// messageID returns an ID that is the same whenever the same is sent, by another process too.
func messageID(endpoint string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", endpoint)
	h.Write(body)
	return "msg_" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// post makes one request. Error: the endpoint hasn't accepted it, an errLater if it has said when it might.
func (d *delivery) post(ctx context.Context, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, d.sender.c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pdskit-webhook")
	now := d.sender.c.Now()
	sign(req.Header, id, body, now, d.endpoint.keys)
	res, err := d.sender.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again; what it says doesn't matter
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	return &errLater{res.StatusCode, retryAfter(res.Header, now)}
}

// withoutURL returns a client's error without the URL, which may have a secret in it.
func withoutURL(err error) error {
	var with *url.Error
	if errors.As(err, &with) {
		return with.Err
	}
	return err
}

// errLater: an endpoint has answered, but doesn't accept.
type errLater struct {
	status int
	after  time.Duration // to wait at least
}

// Error names the status.
func (e *errLater) Error() string {
	return fmt.Sprintf("webhook: the endpoint answers with status %d", e.status)
}
