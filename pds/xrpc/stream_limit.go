package xrpc

import (
	"net/http"
	"net/netip"
	"sync"
)

// DefaultStreamsPerAddress is how many WebSockets a client may have open where a Mux sets no other limit.
const DefaultStreamsPerAddress = 64

// streamLimit counts the open WebSockets of each network.
type streamLimit struct {
	mu   sync.Mutex
	open map[netip.Prefix]int
}

// enter counts one more, unless there are max already. If it returns no error, leave has to be called at the end.
func (l *streamLimit) enter(from netip.Prefix, max int) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if max >= 0 && l.open[from] >= max {
		return nil, StatusError(http.StatusTooManyRequests, "Too many open subscriptions from this address")
	}
	if l.open == nil {
		l.open = map[netip.Prefix]int{}
	}
	l.open[from]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[from]--; l.open[from] == 0 {
			delete(l.open, from)
		}
	}, nil
}
