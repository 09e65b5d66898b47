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
