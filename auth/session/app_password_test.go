package session

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/auth/password"
)

// Computed by Node: crypto.scryptSync(password, salt, 64), where the salt is the string before the
// colon.
const scryptApp = "099e4ea96cd62c05a232331859d20c97:fd2bbf28c4711cd8d02ea6a9af381222ef64fa9654f065196498e87aeb668370e1accd55a4a2cf56b303904d22367493a14af2bda8d630abaa594676edbca564"

func TestAppPassword(t *testing.T) {
	form := regexp.MustCompile(`^([a-z2-7]{4}-){3}[a-z2-7]{4}$`)
	a, b := newAppPassword(), newAppPassword()
	if !form.MatchString(a) || a == b {
		t.Errorf("got %q and %q", a, b)
	}
	hash, err := hashAppPassword(t.Context(), alice, "abcd-efgh-ijkl-mnop")
	if err != nil || hash != scryptApp {
		t.Errorf("got %q, %v, want what the reference server has", hash, err)
	}
	if other, err := hashAppPassword(t.Context(), bob, "abcd-efgh-ijkl-mnop"); err != nil || other == hash {
		t.Errorf("two accounts' hashes of the same password are the same, or %v", err)
	}
	if _, err := hashAppPassword(t.Context(), alice, strings.Repeat("x", password.Max+1)); !errors.Is(err, ErrInvalidLogin) {
		t.Errorf("overlong: got %v, want ErrInvalidLogin", err)
	}
}
