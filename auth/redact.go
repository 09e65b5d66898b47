package auth

import (
	"fmt"
	"io"
	"log/slog"
)

// Format implements [fmt.Formatter]. It shows nothing of the tokens.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.Tokens") }

// LogValue implements [slog.LogValuer]. It shows nothing of the tokens.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("auth.Tokens") }

// Format implements [fmt.Formatter]. It shows nothing of the secret.
func (c SessionsConfig) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.SessionsConfig") }

// LogValue implements [slog.LogValuer]. It shows nothing of the secret.
func (c SessionsConfig) LogValue() slog.Value { return slog.StringValue("auth.SessionsConfig") }

// Format implements [fmt.Formatter]. It shows nothing of the secret.
func (s *Sessions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "auth.Sessions") }
