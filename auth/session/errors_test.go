package session

import (
	"errors"
	"testing"

	"github.com/pdskit/pdskit/auth"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err, kind error
		want      bool
	}{
		{ErrRevokedToken, auth.ErrExpiredToken, true},
		{auth.ErrExpiredToken, ErrRevokedToken, false},
	} {
		if errors.Is(c.err, c.kind) != c.want {
			t.Errorf("%v is taken for %v, or the reverse", c.err, c.kind)
		}
	}
	var e *auth.Error
	if !errors.As(error(ErrRevokedToken), &e) || e.Message != "Token has been revoked" || e.Status != 400 || e.Name != "ExpiredToken" {
		t.Errorf("got %+v", e)
	}
	if errors.Is(ErrInvalidLogin, auth.ErrAuthMissing) {
		t.Error("ErrInvalidLogin is no ErrAuthMissing")
	}
}
