package identity

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

// world is all that a directory under test can ask: nothing leaves the process but for the PLC directory, which is on
// a loopback address.
type world struct {
	t         *testing.T
	plc       *plc.Directory
	plcURL    string
	plcDown   atomic.Bool
	plcStatus atomic.Int64      // if not 0, the PLC directory's answer
	hosts     http.ServeMux     // by host and path
	dns       map[string]string // TXT records; one that is "!" fails
	signer    plc.Signer
	asked     atomic.Int64 // requests to the PLC directory
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dns: map[string]string{}, signer: newSigner(t)}
	var err error
	if w.plc, err = plc.NewDirectory(plc.DirectoryConfig{}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		switch {
		case w.plcDown.Load():
			panic(http.ErrAbortHandler)
		case w.plcStatus.Load() != 0:
			rw.WriteHeader(int(w.plcStatus.Load()))
		default:
			w.plc.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(srv.Close)
	w.plcURL = srv.URL
	return w
}

func newSigner(t testing.TB) plc.Signer {
	t.Helper()
	k, err := atcrypto.GeneratePrivateKeyK256()
	if err != nil {
		t.Fatal(err)
	}
	s, err := plc.NewSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RoundTrip answers for every host of the world.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, pattern := w.hosts.Handler(r); pattern == "" {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	rec := httptest.NewRecorder()
	w.hosts.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (w *world) directory(c DirectoryConfig) *Directory {
	w.t.Helper()
	c.PLCURL = w.plcURL
	c.HTTP = &http.Client{Transport: w}
	d, err := NewDirectory(c)
	if err != nil {
		w.t.Fatal(err)
	}
	d.web.Resolver.PreferGo = true
	d.web.Resolver.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go w.serveDNS(server)
		return client, nil
	}
	return d
}

// serveDNS answers queries for TXT records, in the form of DNS over a stream.
func (w *world) serveDNS(conn net.Conn) {
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
		question := query[12 : end+5] // with type and class
		record, ok := w.dns[strings.Join(labels, ".")]
		answer := append([]byte{}, query[:2]...)
		switch {
		case record == "!":
			answer = append(answer, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0) // SERVFAIL
			answer = append(answer, question...)
		case !ok:
			answer = append(answer, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0) // NXDOMAIN
			answer = append(answer, question...)
		default:
			answer = append(answer, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
			answer = append(answer, question...)
			answer = append(answer, 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, byte(len(record)+1), byte(len(record)))
			answer = append(answer, record...)
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// register makes a did:plc that claims a handle.
func (w *world) register(h syntax.Handle) syntax.DID {
	w.t.Helper()
	client, err := plc.NewClient(plc.ClientConfig{URL: w.plcURL})
	if err != nil {
		w.t.Fatal(err)
	}
	r := NewPLCRegistrar(client, w.signer)
	did, op, err := r.NewGenesis(w.t.Context(), Genesis{SigningKey: r.rotationKey(), Handle: h, PDS: "https://pds.test"})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := r.Submit(w.t.Context(), did, op); err != nil {
		w.t.Fatal(err)
	}
	return did
}

// locals is a LocalAccounts.
type locals struct {
	handles map[syntax.Handle]syntax.DID
	err     error // instead of any answer
}

func (l locals) LocalHandle(_ context.Context, h syntax.Handle) (syntax.DID, error) {
	if did, ok := l.handles[h]; ok || l.err != nil {
		return did, l.err
	}
	return "", indigo.ErrHandleNotFound
}

func (l locals) LocalDID(_ context.Context, did syntax.DID) (*indigo.Identity, error) {
	for h, d := range l.handles {
		if d == did {
			return &indigo.Identity{DID: did, Handle: h, AlsoKnownAs: []string{"at://" + h.String()}}, nil
		}
	}
	if l.err != nil {
		return nil, l.err
	}
	return nil, indigo.ErrDIDNotFound
}

func TestDirectoryResolvesHandles(t *testing.T) {
	w := newWorld(t)
	byDNS, byHTTP, both := w.register("dns.example.com"), w.register("http.example.com"), w.register("both.example.com")
	other := w.register("other.example.com")
	w.dns["_atproto.dns.example.com"] = "did=" + byDNS.String()
	w.hosts.HandleFunc("http.example.com/.well-known/atproto-did", text(byHTTP.String()+"\n"))
	w.dns["_atproto.both.example.com"] = "did=" + both.String()
	w.hosts.HandleFunc("both.example.com/.well-known/atproto-did", text(other.String()))
	w.dns["_atproto.stolen.example.com"] = "did=" + other.String()
	w.dns["_atproto.broken.example.com"] = "!"
	w.dns["_atproto.flaky.example.com"] = "!"
	flaky := w.register("flaky.example.com")
	w.hosts.HandleFunc("flaky.example.com/.well-known/atproto-did", text(flaky.String()))
	w.hosts.HandleFunc("odd.example.com/.well-known/atproto-did", text("what?"))
	d := w.directory(DirectoryConfig{})

	for h, did := range map[syntax.Handle]syntax.DID{
		"dns.example.com": byDNS, "HTTP.Example.com": byHTTP, "both.example.com": both, "flaky.example.com": flaky,
	} {
		id, err := d.Lookup(t.Context(), h.AtIdentifier())
		if err != nil || id.DID != did || id.Handle != h.Normalize() || id.PDSEndpoint() != "https://pds.test" {
			t.Errorf("%s: %v, %v", h, id, err)
		}
		if id, err := d.Lookup(t.Context(), did.AtIdentifier()); err != nil || id.Handle != h.Normalize() {
			t.Errorf("%s: %v, %v", did, id, err)
		}
	}
	for h, want := range map[syntax.Handle]error{
		"nobody.example.com": indigo.ErrHandleNotFound,
		"nobody.test":        indigo.ErrHandleNotFound,
		"stolen.example.com": indigo.ErrHandleMismatch,
		"broken.example.com": indigo.ErrHandleResolutionFailed,
		"odd.example.com":    indigo.ErrHandleResolutionFailed,
		"host.local":         indigo.ErrHandleReservedTLD,
		"handle.invalid":     indigo.ErrInvalidHandle,
		"example.com/?x=":    indigo.ErrInvalidHandle,
		"":                   indigo.ErrInvalidHandle,
	} {
		if id, err := d.LookupHandle(t.Context(), h); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", h, id, err, want)
		}
	}
}

func TestDirectoryTrustsNoClaim(t *testing.T) {
	w := newWorld(t)
	claim, owner := w.register("bank.example.com"), w.register("bank.example.com")
	w.dns["_atproto.bank.example.com"] = "did=" + owner.String()
	reserved, none := w.register("bank.local"), w.register("none.example.com")
	d := w.directory(DirectoryConfig{})
	for did, want := range map[syntax.DID]syntax.Handle{
		owner: "bank.example.com", claim: syntax.HandleInvalid, reserved: syntax.HandleInvalid,
		none: syntax.HandleInvalid,
	} {
		if id, err := d.LookupDID(t.Context(), did); err != nil || id.Handle != want {
			t.Errorf("%s: %v, %v, want %s", did, id, err, want)
		}
	}
}

func TestDirectoryResolvesDIDs(t *testing.T) {
	w := newWorld(t)
	w.hosts.HandleFunc("web.example.com/.well-known/did.json", text(`{"id":"did:web:web.example.com","x":1}`))
	w.hosts.HandleFunc("liar.example.com/.well-known/did.json", text(`{"id":"did:web:web.example.com"}`))
	w.hosts.HandleFunc("odd.example.com/.well-known/did.json", text(`<html>`))
	w.hosts.Handle("empty.example.com/", http.NotFoundHandler())
	w.hosts.HandleFunc("localhost/.well-known/did.json", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Scheme != "http" {
			t.Error(r.URL)
		}
		io.WriteString(rw, `{"id":"did:web:localhost%3A`+r.URL.Port()+`"}`)
	})
	d, dev := w.directory(DirectoryConfig{}), w.directory(DirectoryConfig{Development: true})

	raw, err := d.ResolveDIDRaw(t.Context(), "did:web:web.example.com")
	if err != nil || string(raw) != `{"id":"did:web:web.example.com","x":1}` {
		t.Errorf("%s, %v", raw, err)
	}
	doc, err := dev.ResolveDID(t.Context(), "did:web:localhost%3A2583")
	if err != nil || doc.DID != "did:web:localhost%3A2583" {
		t.Error(doc, err)
	}
	for did, want := range map[syntax.DID]error{
		"did:web:empty.example.com":        indigo.ErrDIDNotFound,
		"did:web:nowhere.example.com":      indigo.ErrDIDNotFound,
		"did:web:liar.example.com":         indigo.ErrDIDResolutionFailed,
		"did:web:odd.example.com":          indigo.ErrDIDResolutionFailed,
		"did:web:localhost%3A2583":         indigo.ErrDIDResolutionFailed,
		"did:web:example.com:path":         indigo.ErrDIDResolutionFailed,
		"did:key:z6Mk":                     indigo.ErrDIDResolutionFailed,
		"did:plc:short":                    indigo.ErrDIDNotFound,
		"did:plc:../export":                indigo.ErrDIDResolutionFailed,
		"":                                 indigo.ErrDIDResolutionFailed,
		"did:plc:ewvi7nxzyoun6zhxrhs64oiz": indigo.ErrDIDNotFound,
	} {
		if doc, err := d.ResolveDID(t.Context(), did); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", did, doc, err, want)
		}
		if id, err := d.LookupDID(t.Context(), did); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", did, id, err, want)
		}
	}
}

func TestDirectoryAsksLocalsFirst(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice.test")
	away := w.register("away.pds.example.com")
	w.dns["_atproto.away.pds.example.com"] = "did=" + away.String()
	d := w.directory(DirectoryConfig{
		Local:        locals{handles: map[syntax.Handle]syntax.DID{"alice.test": alice}},
		LocalDomains: []string{"pds.example.com"},
	})
	w.asked.Store(0)
	if id, err := d.LookupDID(t.Context(), alice); err != nil || id.Handle != "alice.test" {
		t.Error(id, err)
	}
	if id, err := d.LookupHandle(t.Context(), "Alice.test"); err != nil || id.DID != alice {
		t.Error(id, err)
	}
	if w.asked.Load() > 0 {
		t.Error("the network was asked")
	}
	id, err := d.Refresh(t.Context(), alice)
	if err != nil || id.Handle != "alice.test" || id.PDSEndpoint() == "" || w.asked.Load() == 0 {
		t.Error(id, err)
	}
	if _, err := d.ResolveHandle(t.Context(), "away.pds.example.com"); !errors.Is(err, indigo.ErrHandleNotFound) {
		t.Error("the network gives a handle of ours:", err)
	}
	if id, err := d.LookupDID(t.Context(), away); err != nil || id.Handle != syntax.HandleInvalid {
		t.Error(id, err)
	}

	broken := errors.New("database on fire")
	d = w.directory(DirectoryConfig{Local: locals{err: broken}})
	for name, lookup := range map[string]func() error{
		"LookupDID":    func() error { _, err := d.LookupDID(t.Context(), alice); return err },
		"LookupHandle": func() error { _, err := d.LookupHandle(t.Context(), "alice.test"); return err },
		"Refresh":      func() error { _, err := d.Refresh(t.Context(), alice); return err },
	} {
		if err := lookup(); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDirectoryRemembers(t *testing.T) {
	w := newWorld(t)
	did := w.register("alice.example.com")
	w.dns["_atproto.alice.example.com"] = "did=" + did.String()
	d := w.directory(DirectoryConfig{})
	if id, err := d.LookupDID(t.Context(), did); err != nil || id.Handle != "alice.example.com" {
		t.Fatal(id, err)
	}
	w.plcDown.Store(true)
	delete(w.dns, "_atproto.alice.example.com")
	if id, err := d.LookupHandle(t.Context(), "alice.example.com"); err != nil || id.DID != did {
		t.Error(id, err)
	}
	if err := d.Purge(t.Context(), syntax.Handle("alice.example.com").AtIdentifier()); err != nil {
		t.Error(err)
	}
	if id, err := d.LookupDID(t.Context(), did); err != nil || id.Handle != syntax.HandleInvalid {
		t.Error(id, err)
	}
	if err := d.Purge(t.Context(), did.AtIdentifier()); err != nil {
		t.Error(err)
	}
	if _, err := d.LookupDID(t.Context(), did); !errors.Is(err, indigo.ErrDIDResolutionFailed) {
		t.Error(err)
	}
	w.plcDown.Store(false)
	w.plcStatus.Store(http.StatusGone)
	if _, err := d.LookupDID(t.Context(), did); !errors.Is(err, indigo.ErrDIDNotFound) {
		t.Error(err)
	}
	if _, err := NewDirectory(DirectoryConfig{PLCURL: "plc"}); err == nil {
		t.Error("asks nobody")
	}
}
