package password

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/pdskit/pdskit/auth"
)

func TestAdminWithoutPassword(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth("admin", "")
	credentials, err := auth.CredentialsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Admin("").Authenticate(r, credentials); !errors.Is(err, auth.ErrAuthRequired) || c.Kind != auth.KindAnonymous {
		t.Errorf("got %v, %v: without a password there is no operator", c, err)
	}
}
