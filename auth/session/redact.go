package session

import (
	"fmt"
	"io"
	"log/slog"
)

// Format implements [fmt.Formatter]. It shows nothing of the tokens.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Tokens") }

// LogValue implements [slog.LogValuer]. It shows nothing of the tokens.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("session.Tokens") }

// Format implements [fmt.Formatter]. It shows nothing of the secret.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Config") }

// LogValue implements [slog.LogValuer]. It shows nothing of the secret.
func (c Config) LogValue() slog.Value { return slog.StringValue("session.Config") }

// Format implements [fmt.Formatter]. It shows nothing of the secret.
func (s *Issuer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Issuer") }
