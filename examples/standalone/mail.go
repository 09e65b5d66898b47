package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/pdskit/pdskit/pds"
)

// mailing is how letters go out.
type mailing struct {
	URL  string // smtp://user:password@host:port, or smtps; "" for not at all
	From string // an address, with or without a name
}

func readMailing(env environment) mailing {
	return mailing{URL: env.text("PDS_EMAIL_SMTP_URL", ""), From: env.text("PDS_EMAIL_FROM_ADDRESS", "")}
}

// mailer returns nil if letters don't go out. A server for this machine only puts them into the log instead.
func (s *settings) mailer(logger *slog.Logger) (pds.Mailer, error) {
	switch {
	case s.mailing != (mailing{}):
		return s.mailing.smtp()
	case s.local():
		return logged{logger}, nil
	}
	logger.Warn("without PDS_EMAIL_SMTP_URL no letters are sent: nobody can reset a password")
	return nil, nil
}

// logged is a mailer for those who try things out.
type logged struct{ logger *slog.Logger }

// Send implements [pds.Mailer].
func (l logged) Send(ctx context.Context, m pds.Mail) error {
	l.logger.InfoContext(ctx, "a letter", "to", m.To, "subject", m.Subject, "text", m.Text)
	return nil
}

// smtp is a mailer that hands each letter to an SMTP server, over a connection of its own.
type smtp struct {
	host    string
	from    string
	options []mail.Option
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// smtp reads the settings. Their errors show no password.
//
// With a user name the connection has to be encrypted; without one it is if the server can.
func (m mailing) smtp() (*smtp, error) {
	if m.URL == "" || m.From == "" {
		return nil, errors.New("PDS_EMAIL_SMTP_URL and PDS_EMAIL_FROM_ADDRESS need each other")
	}
	if _, err := netmail.ParseAddress(m.From); err != nil {
		return nil, fmt.Errorf("PDS_EMAIL_FROM_ADDRESS: %w", err)
	}
	u, err := url.Parse(m.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.RawQuery != "" || len(u.Path) > 1 {
		return nil, errors.New("PDS_EMAIL_SMTP_URL must be of the form smtp://user:password@host:port, or smtps")
	}
	port, policy, login := 587, mail.TLSOpportunistic, mail.SMTPAuthAutoDiscover
	s := &smtp{host: u.Hostname(), from: m.From, dial: new(net.Dialer).DialContext}
	if u.Scheme == "smtps" {
		port, login = 465, mail.SMTPAuthPlain
		s.options = append(s.options, mail.WithSSL())
		s.dial = new(tls.Dialer).DialContext
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("PDS_EMAIL_SMTP_URL: the port is no number")
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		policy = mail.TLSMandatory
		s.options = append(s.options, mail.WithSMTPAuth(login),
			mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	s.options = append(s.options, mail.WithPort(port), mail.WithTLSPolicy(policy))
	if _, err := mail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("PDS_EMAIL_SMTP_URL: %w", err)
	}
	return s, nil
}

// Send implements [pds.Mailer]. Its connection is closed in any case, which the client doesn't see to after a failure, and
// when ctx ends.
func (s *smtp) Send(ctx context.Context, m pds.Mail) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	client, err := mail.NewClient(s.host, append(slices.Clip(s.options), mail.WithDialContextFunc(dial))...)
	if err != nil {
		return err
	}
	letter := mail.NewMsg()
	if err := errors.Join(letter.From(s.from), letter.To(m.To)); err != nil {
		return err
	}
	letter.Subject(m.Subject)
	letter.SetDate()
	letter.SetMessageID()
	letter.SetBodyString(mail.TypeTextPlain, m.Text)
	return client.DialAndSendWithContext(ctx, letter)
}
