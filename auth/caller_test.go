package auth

import "testing"

func TestPrivileged(t *testing.T) {
	for kind, want := range map[Kind]bool{
		KindSession: true, KindPrivilegedAppPassword: true, KindAppPassword: false, KindTakendown: false,
		KindAdmin: false, KindRefresh: false, KindAnonymous: false,
	} {
		if got := (Caller{Kind: kind}).Privileged(); got != want {
			t.Errorf("%q: got %v", kind, got)
		}
	}
}
