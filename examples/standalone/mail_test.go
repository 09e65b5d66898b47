package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
)

// smtpServer takes letters on a loopback address.
type smtpServer struct {
	address  string
	letters  chan string
	commands chan string
}

// newSMTPServer starts a server that refuses the commands that refused names.
func newSMTPServer(t *testing.T, refused string) *smtpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveSMTP(t, l, refused)
}

func serveSMTP(t *testing.T, l net.Listener, refused string) *smtpServer {
	t.Helper()
	s := &smtpServer{l.Addr().String(), make(chan string, 10), make(chan string, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(textproto.NewConn(conn), refused)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return s
}

func (s *smtpServer) serve(c *textproto.Conn, refused string) {
	defer c.Close()
	c.PrintfLine("220 test")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		command, _, _ := strings.Cut(line, " ")
		s.commands <- command
		switch {
		case strings.Contains(refused, command):
			c.PrintfLine("550 not here")
		case command == "DATA":
			c.PrintfLine("354 go on")
			letter, err := io.ReadAll(c.DotReader())
			if err != nil {
				return
			}
			s.letters <- string(letter)
			c.PrintfLine("250 taken")
		case command == "QUIT":
			c.PrintfLine("221 bye")
			return
		case command == "EHLO":
			c.PrintfLine("250-test\r\n250 AUTH PLAIN")
		case command == "AUTH":
			s.commands <- line
			c.PrintfLine("235 welcome")
		default:
			c.PrintfLine("250 fine")
		}
	}
}

// reset asks the program for a new password.
func (p *process) reset(t *testing.T, address string) {
	t.Helper()
	res, err := http.Post(p.url+"/xrpc/com.atproto.server.requestPasswordReset", "application/json",
		strings.NewReader(`{"email":"`+address+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
}

var code = regexp.MustCompile(`    ([A-Z2-7]{5}-[A-Z2-7]{5})\b`)

func TestMailBySMTP(t *testing.T) {
	s := newSMTPServer(t, "")
	p := launch(t, t.TempDir(), "PDS_EMAIL_SMTP_URL=smtp://"+s.address, "PDS_EMAIL_FROM_ADDRESS=The PDS <pds@example.com>")
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	p.reset(t, "alice@example.com")
	p.terminate(t) // which waits for the letter
	letter := <-s.letters
	for _, part := range []string{"From: \"The PDS\" <pds@example.com>\n", "To: <alice@example.com>\n", "Subject: Reset your password\n"} {
		if !strings.Contains(letter, part) {
			t.Errorf("%q isn't in\n%s", part, letter)
		}
	}
	m := code.FindStringSubmatch(letter)
	if m == nil || strings.Contains(p.stderr.String(), m[1]) {
		t.Errorf("the letter is\n%s\nand the log\n%s", letter, &p.stderr)
	}
}

// A server for this machine only needs nothing to send letters.
func TestMailInLog(t *testing.T) {
	p := launch(t, t.TempDir())
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	p.reset(t, "alice@example.com")
	p.await(t, &p.stderr, code)
	p.terminate(t)
}

func TestMailFailures(t *testing.T) {
	for name, test := range map[string]struct{ user, refused, never string }{
		"the recipient is refused":           {"", "RCPT", "DATA"},
		"the letter is refused":              {"", "DATA", ""},
		"a password without encryption":      {"user:hunter2@", "", "AUTH"},
		"a password refused, also encrypted": {"user:hunter2@", "STARTTLS", "AUTH"},
	} {
		s := newSMTPServer(t, test.refused)
		m, err := mailing{"smtp://" + test.user + s.address, "pds@example.com"}.smtp()
		if err != nil {
			t.Fatal(err)
		}
		err = m.Send(t.Context(), pds.Mail{To: "alice@example.com", Subject: "x", Text: "y"})
		if err == nil || strings.Contains(err.Error(), "hunter2") || len(s.letters) > 0 {
			t.Errorf("%s: %v, %d letters", name, err, len(s.letters))
		}
		for len(s.commands) > 0 {
			if c := <-s.commands; c == test.never {
				t.Errorf("%s: %s is sent", name, c)
			}
		}
	}
	m, err := mailing{"smtp://127.0.0.1:1", "pds@example.com"}.smtp()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Send(ctx, pds.Mail{To: "alice@example.com"}); err == nil {
		t.Error("a letter goes out when its time is over")
	}
}

// Over TLS, the password is sent to a server that shows a good certificate, and to no other.
func TestMailOverTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	s := serveSMTP(t, l, "")
	m, err := mailing{"smtps://user:hunter2@" + s.address, "pds@example.com"}.smtp()
	if err != nil {
		t.Fatal(err)
	}
	letter := pds.Mail{To: "alice@example.com", Subject: "x", Text: "y"}
	if err := m.Send(t.Context(), letter); err == nil || len(s.commands) > 0 {
		t.Errorf("with a certificate that nobody knows: %v", err)
	}
	trusted := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	m.dial = (&tls.Dialer{Config: &tls.Config{RootCAs: trusted}}).DialContext
	if err := m.Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	<-s.letters
	login := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00user\x00hunter2"))
	for c := range s.commands {
		if c == login {
			break
		} else if c == "QUIT" {
			t.Fatal("nobody has logged in")
		}
	}
}

// A server that says nothing is left when the letter's time is over.
func TestMailToSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := mailing{"smtp://" + l.Addr().String(), "pds@example.com"}.smtp()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- m.Send(ctx, pds.Mail{To: "alice@example.com"}) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-failed; err == nil {
		t.Error("a letter is sent to nobody")
	}
}

func TestMailSettings(t *testing.T) {
	for _, m := range []mailing{
		{"smtp://localhost", "pds@example.com"},
		{"smtp://localhost:25/", "The PDS <pds@example.com>"},
		{"smtps://user:p%40ss@mail.example.com", "pds@example.com"},
	} {
		got, _, err := parse(nil, environ("PDS_EMAIL_SMTP_URL", m.URL, "PDS_EMAIL_FROM_ADDRESS", m.From), io.Discard)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(m, got.mailing); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, m := range []mailing{
		{"smtp://localhost", ""}, {"", "pds@example.com"}, {"smtp://localhost", "pds"}, {"localhost:25", "pds@example.com"},
		{"http://user:hunter2@localhost", "pds@example.com"}, {"smtp://", "pds@example.com"}, {"smtp://localhost:0", "pds@example.com"},
		{"smtp://user:hunter2@localhost?tls=no", "pds@example.com"}, {"smtp://user:hunter2@ localhost", "pds@example.com"},
		{"smtp://localhost:99999", "pds@example.com"},
	} {
		_, _, err := parse(nil, environ("PDS_EMAIL_SMTP_URL", m.URL, "PDS_EMAIL_FROM_ADDRESS", m.From), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "PDS_EMAIL_") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", m, err)
		}
	}
	// A server for the world has no mailer by itself.
	s, _, err := parse(nil, environ("PDS_HOSTNAME", "pds.example.com"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	if m, err := s.mailer(slog.New(slog.NewTextHandler(&log, nil))); m != nil || err != nil || !strings.Contains(log.String(), "PDS_EMAIL_SMTP_URL") {
		t.Errorf("got %v, %v, and the log says %s", m, err, &log)
	}
}
