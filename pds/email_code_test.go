package pds_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/pds/pdstest"
	"github.com/pdskit/pdskit/storage"
)

func TestLetters(t *testing.T) {
	p := startPost(t)
	alice := p.account(t, "alice")
	alice.confirm(t)
	form := regexp.MustCompile(`^[A-Z2-7]{5}-[A-Z2-7]{5}$`)
	for _, l := range letters {
		alice.ask(t, l.ask)
		all := p.MailBox.All()
		m := all[len(all)-1]
		if !form.MatchString(m.Token) || !strings.Contains(m.Text, "\n    "+m.Token+"\n") || !strings.Contains(m.Text, "@alice.test") ||
			!strings.Contains(m.Text, "12:15 UTC") || m.Subject == "" || strings.Contains(m.Subject, m.Token) {
			t.Errorf("%s is sent as %q: %q", m.Token, m.Subject, m.Text)
		}
		want := pds.Mail{
			To: alice.address, Kind: l.kind, DID: alice.did, Handle: "alice.test", ExpiresAt: pdstest.Start.Add(15 * time.Minute),
			Subject: m.Subject, Text: m.Text, Token: m.Token,
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info(fmt.Sprintf("%v %+v", m, &m), "letter", m)
		if strings.Contains(log.String(), m.Token) || !strings.Contains(log.String(), string(l.kind)+" to "+alice.address) {
			t.Errorf("it prints as %s", &log)
		}
	}
}

// A code is good once, for a quarter of an hour, for its owner and for what it was sent for.
func TestCodes(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			alice.use(t, use, " "+strings.ToLower(code)+"\n").decode(t, nil)
			if use == "deleteAccount" {
				alice.use(t, use, code).refused(t, 400, "InvalidRequest", "account not found")
				return
			}
			if use == "updateEmail" {
				alice.address = "new-" + alice.address
			}
			alice.use(t, use, code).refused(t, 400, "InvalidToken", "")
			if n := p.codes(t, alice.did); n != 0 {
				t.Errorf("%d codes are left", n)
			}
		})
	})
	t.Run("until it expires", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, bob addressee, ask, use string) {
			code, other := alice.ask(t, ask), bob.ask(t, ask)
			p.pdstest.Clock.Advance(15 * time.Minute)
			alice.use(t, use, code).refused(t, 400, "ExpiredToken", "")
			p.pdstest.Clock.Advance(-time.Millisecond)
			alice.use(t, use, code).decode(t, nil)
			p.pdstest.Clock.Advance(time.Millisecond)
			p.Upkeep(t.Context())
			bob.use(t, use, other).refused(t, 400, "InvalidToken", "")
		})
	})
	t.Run("the newest only", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			old := alice.ask(t, ask)
			code := alice.ask(t, ask)
			p.WaitForLetters()
			alice.use(t, use, old).refused(t, 400, "InvalidToken", "")
			alice.use(t, use, code).decode(t, nil)
		})
	})
	t.Run("of that account", func(t *testing.T) {
		each(t, func(t *testing.T, _ postOffice, alice, bob addressee, ask, use string) {
			code := alice.ask(t, ask)
			if use != "resetPassword" { // whose code is all that says which account is meant
				bob.use(t, use, code).refused(t, 400, "InvalidToken", "")
			}
			alice.use(t, use, code).decode(t, nil)
			bob.get(t, server+"getSession").decode(t, nil)
		})
	})
	t.Run("of that account, whoever has its address now", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, bob addressee, ask, use string) {
			if use == "resetPassword" {
				t.Skip("its code is all that says which account is meant")
			}
			code := alice.ask(t, ask)
			for _, a := range []*addressee{&alice, &bob} {
				address := map[bool]string{true: "elsewhere@example.com", false: alice.address}[a == &alice]
				_, err := p.config.Store.UpdateAccount(t.Context(), a.did, func(account *storage.Account) error {
					account.Email = address
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			bob.address = alice.address
			bob.use(t, use, code).refused(t, 400, "InvalidToken", "")
		})
	})
	t.Run("for that purpose", func(t *testing.T) {
		each(t, func(t *testing.T, _ postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			for _, l := range letters {
				if l.use != use {
					alice.use(t, l.use, code).refused(t, 400, "InvalidToken", "")
				}
			}
			for _, wrong := range []string{"-", "AAAAA-AAAAA", code + "A", code[:10], strings.Repeat("A", 10000)} {
				alice.use(t, use, wrong).refused(t, 400, "InvalidToken", "")
			}
			alice.use(t, use, code).decode(t, nil)
		})
	})
	t.Run("at the address it was sent to", func(t *testing.T) {
		each(t, func(t *testing.T, p postOffice, alice, _ addressee, ask, use string) {
			code := alice.ask(t, ask)
			_, err := p.config.Store.UpdateAccount(t.Context(), alice.did, func(a *storage.Account) error {
				a.Email = "elsewhere@example.com"
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			alice.address = "elsewhere@example.com"
			alice.use(t, use, code).refused(t, 400, "InvalidToken", "")
		})
	})
}

// Of simultaneous uses of a code one succeeds.
func TestCodeRace(t *testing.T) {
	each(t, func(t *testing.T, _ postOffice, alice, _ addressee, ask, use string) {
		if use == "deleteAccount" {
			t.Skip("a second deletion has nothing to delete")
		}
		code := alice.ask(t, ask)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if r := alice.use(t, use, code); r.status == 200 {
					won.Add(1)
				} else if r.name() != "InvalidToken" && r.name() != "InvalidRequest" {
					t.Errorf("a loser got %s", r)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d succeeded", won.Load())
		}
	})
}

// Neither the store nor the log has a code.
func TestCodesAreHidden(t *testing.T) {
	var log strings.Builder
	p := startPost(t, func(c *pds.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	alice := p.account(t, "alice")
	for _, l := range letters[:2] {
		code := alice.ask(t, l.ask)
		for row, err := range p.config.Store.ListDocuments(t.Context(), storage.DocumentRange{Kind: "email-" + string(l.kind), Owner: alice.did}) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(fmt.Sprintf("%+v %s", row, row.Value), code) {
				t.Errorf("%s is stored as %+v", code, row)
			}
		}
		if strings.Contains(log.String(), code) {
			t.Error("it is in the log")
		}
	}
	if p.codes(t, alice.did) != 2 {
		t.Errorf("%d codes", p.codes(t, alice.did))
	}
}
