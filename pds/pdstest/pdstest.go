package pdstest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// AdminPassword is the operator's, on every server.
const AdminPassword = "admin-password"

// PDS is a server that listens. Its Handle takes methods until the first request.
type PDS struct {
	*pds.Server

	URL    string       // the server's own
	PLCURL string       // that of its PLC directory
	HTTP   *http.Client // reaches both; a transport of its own, closed with the server
	Clock  *Clock       // the server's, and the PLC directory's
	Mail   *MailBox     // where the server's letters go
	Faults *Faults

	// Config is what the server was made of.
	Config pds.Config

	callers callers
}

// New starts a server on a loopback address, with accounts under ".test". It ends with the test.
//
// Each change may replace what the server is made of. Where it replaces Store, Faults has that one fail.
func New(t testing.TB, changes ...func(*pds.Config)) *PDS {
	t.Helper()
	p := &PDS{Clock: &Clock{now: Start}, Faults: &Faults{}, Mail: &MailBox{}}
	directory, err := plc.NewDirectory(plc.DirectoryConfig{Clock: p.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	plcServer := httptest.NewServer(p.Faults.reachable(directory))
	t.Cleanup(plcServer.Close)
	front := httptest.NewUnstartedServer(nil)
	t.Cleanup(front.Close)

	p.URL, p.PLCURL = "http://"+front.Listener.Addr().String(), plcServer.URL
	p.Config = pds.Config{
		Store:           memory.New(),
		Blobs:           memory.NewBlobs(),
		PublicURL:       p.URL,
		HandleDomains:   []string{".test"},
		TokenSecret:     []byte("a secret that only tests know"),
		AdminPassword:   AdminPassword,
		Mailer:          p.Mail,
		PLCURL:          p.PLCURL,
		OfflineLexicons: true,
		Development:     true,
		Now:             p.Clock.Now,
		Logger:          slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(&p.Config)
	}
	p.Config.Store = &storagetest.Faulty{Store: p.Config.Store, Decide: p.Faults.decide}
	p.Config.Blobs = faultyBlobs{p.Config.Blobs, p.Faults}
	if p.Config.Mailer != nil {
		p.Config.Mailer = faultyMailer{p.Config.Mailer, p.Faults}
	}
	p.callers.addTo(&p.Config)
	p.addKeys(t)
	if p.Server, err = pds.New(p.Config); err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = p.Server
	front.Start()
	p.HTTP = front.Client()
	return p
}

// addKeys makes the keys that the test has no wish about.
func (p *PDS) addKeys(t testing.TB) {
	t.Helper()
	ring, err := keys.New(keys.Config{
		Store: p.Config.Store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret), Now: p.Config.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.Config.Keys == nil {
		p.Config.Keys = ring
	}
	if p.Config.RotationKey != nil || p.Config.Registrar != nil {
		return
	}
	const name = "pdstest-rotation"
	if _, err := ring.Generate(t.Context(), name, keys.K256); err != nil {
		t.Fatal(err)
	}
	if p.Config.RotationKey, err = ring.Signer(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}
