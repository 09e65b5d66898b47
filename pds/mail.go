package pds

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/account"
)

// Mailer sends letters to the owners of accounts.
type Mailer interface {
	// Send sends a letter, or puts it in a queue of the host's own. Its error is logged, and the request that has asked
	// for the letter fails; but not that for a new password, which is answered before, lest it tell who has an account.
	//
	// It may be called from many goroutines at once, and returns when ctx ends: with the request, or a minute after the
	// answer.
	Send(ctx context.Context, m Mail) error
}

// MailerFunc is a function that is a [Mailer].
type MailerFunc func(ctx context.Context, m Mail) error

// Send calls f.
func (f MailerFunc) Send(ctx context.Context, m Mail) error { return f(ctx, m) }

// MailKind says what a letter is for.
type MailKind string

const (
	// MailResetPassword brings the token of com.atproto.server.resetPassword.
	MailResetPassword = MailKind(account.ResetPassword)

	// MailConfirmEmail brings the token of com.atproto.server.confirmEmail.
	MailConfirmEmail = MailKind(account.ConfirmEmail)

	// MailUpdateEmail brings the token of com.atproto.server.updateEmail, to the old address.
	MailUpdateEmail = MailKind(account.UpdateEmail)

	// MailDeleteAccount brings the token of com.atproto.server.deleteAccount.
	MailDeleteAccount = MailKind(account.DeleteAccount)
)

// Mail is a letter. Whoever has it can do what it is for: it prints without its token, so that a log shows none.
type Mail struct {
	To   string // a bare address
	Kind MailKind

	// Subject and Text are the letter in plain English. A host that writes its own letters makes them of what follows.
	Subject, Text string

	DID    syntax.DID
	Handle syntax.Handle // "" if the account has none

	// Token is what the owner types in, of the form XXXXX-XXXXX. It is good until ExpiresAt, for one use, and only while To
	// is the account's address.
	Token     string
	ExpiresAt time.Time
}

// Format implements [fmt.Formatter]. It shows nothing of the token.
func (m Mail) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.line()) }

// LogValue implements [slog.LogValuer]. It shows nothing of the token.
func (m Mail) LogValue() slog.Value { return slog.StringValue(m.line()) }

func (m Mail) line() string { return fmt.Sprintf("pds.Mail{%s to %s}", string(m.Kind), m.To) }

// letters sends what the methods ask for by a host's mailer.
type letters struct{ config *Config }

// Send implements account.Mailer.
func (l letters) Send(ctx context.Context, letter account.Letter) error {
	return l.config.Mailer.Send(ctx, l.config.mail(letter))
}

// mailer is nil if there is none.
func (c *Config) mailer() account.Mailer {
	if c.Mailer == nil {
		return nil
	}
	return letters{c}
}

// wording is what the letters of a kind say: the subject, what was asked for, and what to do if it wasn't by the reader.
var wording = map[MailKind][3]string{
	MailResetPassword: {
		"Reset your password", "set a new password for",
		"If you haven't asked for it, ignore this letter: your password stays as it is.",
	},
	MailConfirmEmail: {
		"Confirm your e-mail address", "confirm the e-mail address of",
		"If this isn't your account, ignore this letter.",
	},
	MailUpdateEmail: {
		"Change your e-mail address", "change the e-mail address of",
		"If you haven't asked for it, somebody else is using your account: change your password, and give nobody the code.",
	},
	MailDeleteAccount: {
		"Delete your account", "delete, for good, the account",
		"If you haven't asked for it, somebody else is using your account: change your password, and give nobody the code.",
	},
}

func (c *Config) mail(l account.Letter) Mail {
	m := Mail{
		To: l.To, Kind: MailKind(l.Purpose), DID: l.DID, Handle: l.Handle, Token: l.Code, ExpiresAt: l.ExpiresAt,
	}
	name := "@" + l.Handle.String()
	if l.Handle == "" {
		name = l.DID.String()
	}
	words := wording[m.Kind]
	m.Subject = words[0]
	m.Text = strings.Join([]string{
		fmt.Sprintf("This is the code to %s %s at %s:", words[1], name, c.hostname()),
		"    " + l.Code,
		fmt.Sprintf("It is good until %s, and for one use.", l.ExpiresAt.UTC().Format("15:04 UTC")),
		words[2],
	}, "\n\n") + "\n"
	return m
}
