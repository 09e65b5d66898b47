package webhook

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	minPause      = time.Second // at first, and then twice as long each time
	maxPause      = 5 * time.Minute
	maxRetryAfter = time.Hour
)

// retry does something until it succeeds, with growing pauses. It reports false if ctx ends first.
func (d *delivery) retry(ctx context.Context, what string, do func() error) bool {
	for wait := minPause; ; wait = min(2*wait, maxPause) {
		err := do()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		pause := wait/2 + rand.N(wait/2) // so that not all who wait for the same come at the same moment
		var later *errLater
		if errors.As(err, &later) {
			pause = max(pause, later.after)
		}
		d.log(ctx, what, err, "again in", pause)
		if !sleep(ctx, pause) {
			return false
		}
	}
}

func (d *delivery) log(ctx context.Context, what string, err error, more ...any) {
	if err == nil || ctx.Err() != nil {
		return
	}
	d.sender.c.Logger.WarnContext(ctx, "webhook: "+what, append([]any{"endpoint", d.endpoint.Name, "err", err}, more...)...)
}

// retryAfter returns how long an endpoint asks to be left alone, an hour at most; 0 if it doesn't.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), maxRetryAfter)
	}
	return 0
}

// sleep reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
