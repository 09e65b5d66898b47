package identity

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// names is a DNS server of one's own: the addresses that a name has, first, then, and from then on.
type names struct {
	mu    sync.Mutex
	addrs map[string][]string
}

// newNames has all of the process ask it, but for TXT records, until the test ends.
func newNames(t *testing.T) *names {
	n := &names{addrs: make(map[string][]string)}
	system := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = system })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: n.dial}
	return n
}

func (n *names) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go n.serve(server)
	return client, nil
}

func (n *names) set(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[name] = addrs
}

// take returns the address that a name has now, if it is of the family that a query of a type is for.
func (n *names) take(name string, kind uint16) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	addrs := n.addrs[name]
	if len(addrs) == 0 {
		return nil
	}
	addr := netip.MustParseAddr(addrs[0])
	if addr.Is4() != (kind == 1) {
		return nil
	}
	if len(addrs) > 1 {
		n.addrs[name] = addrs[1:]
	}
	return addr.AsSlice()
}

// serve answers queries in the form of DNS over a stream.
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size uint16
		if binary.Read(conn, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		end, labels := 12, []string{}
		for query[end] != 0 {
			n := int(query[end])
			labels = append(labels, string(query[end+1:end+1+n]))
			end += 1 + n
		}
		kind := binary.BigEndian.Uint16(query[end+1:])
		answer := append([]byte{}, query[:2]...)
		addr := n.take(strings.Join(labels, "."), kind)
		if addr == nil {
			answer = append(append(answer, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0), query[12:end+5]...)
		} else {
			answer = append(append(answer, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0), query[12:end+5]...)
			answer = append(answer, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(addr)))
			answer = append(answer, addr...)
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// inside are addresses that nobody else's name may lead the server to.
var inside = []string{
	"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
	"::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
}

// A name that leads inside is refused, by the address.
func TestGuardRefusesNames(t *testing.T) {
	n := newNames(t)
	c := NewGuardedClient(GuardConfig{AllowHTTP: true})
	for _, addr := range inside {
		n.set("name.example.com", addr)
		for _, scheme := range []string{"http", "https"} {
			if _, err := get(t, c, scheme+"://name.example.com/"); !errors.Is(err, ssrf.ErrProhibitedIP) {
				t.Errorf("%s: %v", addr, err)
			}
		}
	}
}

// The address that is checked is the one that is connected to, each time: a name that had a good one a moment ago, for
// another connection, gets no further by that. 127.0.0.1 stands for the good one.
func TestGuardRebinding(t *testing.T) {
	n := newNames(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	c := allowing(GuardConfig{}, srv)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []string{"127.0.0.2", "10.0.0.1", "169.254.169.254"} {
		n.set("name.example.com", "127.0.0.1", second)
		if body, err := get(t, c, "http://name.example.com:"+port+"/"); body != "hello" || err != nil {
			t.Fatalf("the first time: %q, %v", body, err)
		}
		if body, err := get(t, c, "http://name.example.com:"+port+"/"); !errors.Is(err, ErrForbidden) {
			t.Errorf("the second time, %s: %q, %v", second, body, err)
		}
		n.set("name.example.com", "127.0.0.1", second)
		if body, err := get(t, c, "http://name.example.com:"+port+"/redirect"); !errors.Is(err, ErrForbidden) {
			t.Errorf("redirected, %s: %q, %v", second, body, err)
		}
	}
}

// newWebDirectory makes a directory as a server has it, for which DNS has no TXT records.
func newWebDirectory(t *testing.T, c DirectoryConfig, n *names) *Directory {
	t.Helper()
	d, err := NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	d.web.Resolver.PreferGo, d.web.Resolver.Dial = true, n.dial
	return d
}

// fetches are the places where a directory fetches from hosts that somebody else chose.
var fetches = map[string]func(*testing.T, *Directory, string) error{
	"DID document": func(t *testing.T, d *Directory, host string) error {
		_, err := d.ResolveDID(t.Context(), syntax.DID("did:web:"+host))
		return err
	},
	"well-known file": func(t *testing.T, d *Directory, host string) error {
		_, err := d.ResolveHandle(t.Context(), syntax.Handle(host))
		return err
	},
}

func TestDirectoryRefusesNames(t *testing.T) {
	n := newNames(t)
	for place, fetch := range fetches {
		for _, addr := range inside {
			d := newWebDirectory(t, DirectoryConfig{}, n)
			n.set("name.example.com", addr)
			if err := fetch(t, d, "name.example.com"); !errors.Is(err, ErrForbidden) || !errors.Is(err, ssrf.ErrProhibitedIP) {
				t.Errorf("%s, %s: %v", place, addr, err)
			}
		}
	}
	d := newWebDirectory(t, DirectoryConfig{}, n)
	for _, did := range []syntax.DID{
		"did:web:127.0.0.1", "did:web:localhost", "did:web:localhost%3A80", "did:web:name.example.com%3A80",
		"did:web:name.example.com:path", "did:web:user%40name.example.com", "did:web:2130706433",
	} {
		if _, err := d.ResolveDID(t.Context(), did); !errors.Is(err, indigo.ErrDIDResolutionFailed) || errors.Is(err, ErrForbidden) {
			t.Errorf("%s got as far as a request: %v", did, err)
		}
	}
}

// reaching makes a directory with its own guarded client, for which one name leads to a test server as if it were
// outside.
func reaching(t *testing.T, c DirectoryConfig, n *names, name string, srv *httptest.Server) *Directory {
	t.Helper()
	d := newWebDirectory(t, c, n)
	transport := d.web.HTTPClient.Transport.(*guardedTransport).transport
	guarded := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == name+":443" {
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		}
		return guarded(ctx, network, address)
	}
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	t.Cleanup(transport.CloseIdleConnections)
	return d
}

// Whatever a host answers with, a directory gives up in time, and has read no more than a bounded number of bytes.
func TestDirectoryRefusesAnswers(t *testing.T) {
	const most = 8 << 20 // bytes that a test server gets rid of, those in buffers of the system too
	endless := func(w http.ResponseWriter, r *http.Request, status int, piece string) int {
		w.WriteHeader(status)
		written := 0
		for written < 2*most && r.Context().Err() == nil {
			k, err := io.WriteString(w, piece)
			if written += k; err != nil {
				break
			}
		}
		return written
	}
	page := strings.Repeat(" ", 64<<10)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) (written int){
		"endless":             func(w http.ResponseWriter, r *http.Request) int { return endless(w, r, 200, page) },
		"endlessly not found": func(w http.ResponseWriter, r *http.Request) int { return endless(w, r, 404, page) },
		"endlessly failing":   func(w http.ResponseWriter, r *http.Request) int { return endless(w, r, 500, page) },
		"silent": func(_ http.ResponseWriter, r *http.Request) int {
			<-r.Context().Done()
			return 0
		},
		"a byte now and then": func(w http.ResponseWriter, r *http.Request) int {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(time.Millisecond):
				case <-r.Context().Done():
				}
			}
			return 0
		},
		"a redirect inside": func(w http.ResponseWriter, r *http.Request) int {
			http.Redirect(w, r, "https://inside.example.com/", http.StatusFound)
			return 0
		},
		"a redirect to an address inside": func(w http.ResponseWriter, r *http.Request) int {
			http.Redirect(w, r, "https://[::ffff:10.0.0.1]/", http.StatusFound)
			return 0
		},
		"a redirect to plain http": func(w http.ResponseWriter, r *http.Request) int {
			http.Redirect(w, r, "http://name.example.com/", http.StatusFound)
			return 0
		},
		"a redirect to itself": func(w http.ResponseWriter, r *http.Request) int {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return 0
		},
	} {
		for place, fetch := range fetches {
			n := newNames(t)
			n.set("inside.example.com", "127.0.0.1")
			written := make(chan int, 10)
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { written <- answer(w, r) }))
			d := reaching(t, DirectoryConfig{Timeout: 300 * time.Millisecond}, n, "name.example.com", srv)
			err := fetch(t, d, "name.example.com")
			if err == nil {
				t.Errorf("%s, %s: it is taken for an answer", place, name)
			}
			if strings.Contains(name, "redirect") && !errors.Is(err, ErrForbidden) {
				t.Errorf("%s, %s: %v", place, name, err)
			}
			d.web.HTTPClient.CloseIdleConnections()
			srv.Close() // waits for the handlers
			close(written)
			for k := range written {
				if k > most {
					t.Errorf("%s, %s: the host has got rid of %d bytes", place, name, k)
				}
			}
		}
	}
}

// A document that would crowd others out of the memory isn't remembered, nor used.
func TestDirectoryRefusesLargeDocuments(t *testing.T) {
	for size, want := range map[int]error{maxAnswer: nil, maxAnswer + 1: ErrTooLarge} {
		n := newNames(t)
		document := `{"id":"did:web:name.example.com"}`
		srv := httptest.NewTLSServer(text(document + strings.Repeat(" ", size-len(document))))
		d := reaching(t, DirectoryConfig{}, n, "name.example.com", srv)
		if err := fetches["DID document"](t, d, "name.example.com"); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
		d.web.HTTPClient.CloseIdleConnections()
		srv.Close()
	}
}
