package session

import (
	"errors"
	"testing"

	"github.com/pdskit/pdskit/auth"
)

func TestErrors(t *testing.T) {
	if !errors.Is(ErrRevokedToken, auth.ErrExpiredToken) || errors.Is(auth.ErrExpiredToken, ErrRevokedToken) {
		t.Error("ErrRevokedToken is an ErrExpiredToken, and not the reverse")
	}
	var e *auth.Error
	if !errors.As(error(ErrRevokedToken), &e) || e.Message != "Token has been revoked" || e.Status != 400 || e.Name != "ExpiredToken" {
		t.Errorf("got %+v", e)
	}
	if errors.Is(ErrInvalidLogin, auth.ErrAuthMissing) {
		t.Error("ErrInvalidLogin is no ErrAuthMissing")
	}
}
