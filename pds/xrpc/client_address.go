package xrpc

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress returns the address that a request came from, or the zero Addr if that can't be told. If the connection
// is from a loopback, private or link-local address, that is a proxy's, and X-Forwarded-For says on whose behalf: the
// last address in it that isn't such a proxy's itself.
func ClientAddress(r *http.Request) netip.Addr {
	connection, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := connection.Addr().Unmap()
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && isNear(client); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			break
		}
		client = next.Unmap().WithZone("")
	}
	return client
}

func isNear(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }

// network is what one client can be expected to have to itself: an IPv4 address, or 64 bits of an IPv6 address.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
