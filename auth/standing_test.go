package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// statuses are accounts by DID, and what the network knows of them.
type statuses map[syntax.DID]storage.AccountStatus

func (s statuses) CallerAccount(_ context.Context, did syntax.DID) (Account, error) {
	status, ok := s[did]
	if !ok {
		return Account{}, ErrAccountNotFound
	}
	return Account{DID: did, Handle: "somebody.test", Status: status}, nil
}

// admit has a policy decide on a caller.
func admit(t *testing.T, p Policy, c Caller, accounts Accounts) (Account, error) {
	t.Helper()
	a := AuthenticatorFunc(func(*http.Request, Credentials) (Caller, error) { return c, nil })
	got, account, err := p.Admit(httptest.NewRequest("GET", "/", nil), a, accounts)
	if err == nil && got != c || err != nil && (got != Caller{} || account != Account{}) {
		t.Errorf("%s: got %+v, %+v beside %v", p, got, account, err)
	}
	return account, err
}

// TestStanding: each standing refuses exactly what it says. A session of an account that was taken
// down after the login is refused where a session that began after the takedown isn't.
func TestStanding(t *testing.T) {
	const gone = "gone"
	down := Session.OrTakendown()
	for _, test := range []struct {
		policy Policy
		kind   Kind
		want   map[storage.AccountStatus]error // of those that are refused
	}{
		{Session.In(Any), KindSession, map[storage.AccountStatus]error{gone: ErrAccountNotFound}},
		{down.In(NotTakenDown), KindAppPassword, map[storage.AccountStatus]error{gone: ErrAccountNotFound,
			storage.StatusTakendown: ErrAccountTakedown, storage.StatusSuspended: ErrAccountTakedown}},
		{down.In(NotTakenDown), KindTakendown, map[storage.AccountStatus]error{gone: ErrAccountNotFound}},
		{down.In(Active), KindTakendown, map[storage.AccountStatus]error{gone: ErrAccountNotFound,
			storage.StatusTakendown: ErrAccountTakedown, storage.StatusSuspended: ErrAccountTakedown,
			storage.StatusDeactivated: ErrAccountDeactivated}},
		{Refresh.In(Active), KindRefresh, map[storage.AccountStatus]error{gone: ErrAccountNotFound,
			storage.StatusTakendown: ErrAccountTakedown, storage.StatusSuspended: ErrAccountTakedown,
			storage.StatusDeactivated: ErrAccountDeactivated}},
		{Session.Or(Service).In(Any), KindService, map[storage.AccountStatus]error{gone: ErrAccountNotFound}},
		{Service.Unasked(), KindService, nil},
	} {
		for _, status := range []storage.AccountStatus{storage.StatusActive, storage.StatusDeactivated,
			storage.StatusSuspended, storage.StatusTakendown, gone} {
			accounts := statuses{alice: status}
			if status == gone {
				accounts = nil
			}
			account, err := admit(t, test.policy, Caller{DID: alice, Kind: test.kind}, accounts)
			if want := test.want[status]; err != want {
				t.Errorf("%s, %s, %q: got %v, want %v", test.policy, test.kind, status, err, want)
			}
			if _, asked := test.policy.Standing(); err == nil && test.kind != KindService && asked && account.DID != alice {
				t.Errorf("%s: got account %+v", test.policy, account)
			}
		}
	}
}

// TestStandingOfNobody: who has no account isn't asked for one; who says to have one and doesn't is
// refused.
func TestStandingOfNobody(t *testing.T) {
	anybody := PolicyFunc("Anybody", func(context.Context, Caller) error { return nil }).In(Active)
	for _, test := range []struct {
		caller Caller
		want   error
	}{
		{Caller{}, nil},
		{Caller{Kind: KindAdmin}, nil},
		{Caller{Kind: KindModerator, DID: bob}, nil},
		{Caller{Kind: "staff"}, nil},
		{Caller{Kind: "staff", DID: bob}, ErrAccountNotFound},
		{Caller{Kind: KindSession}, ErrAccountNotFound},
		{Caller{Kind: KindOAuth, DID: bob}, ErrAccountNotFound},
	} {
		if _, err := admit(t, anybody, test.caller, statuses{}); err != test.want {
			t.Errorf("%+v: got %v, want %v", test.caller, err, test.want)
		}
	}
}

// wrongAccount answers with an account that nobody has asked for.
type wrongAccount struct{ Account }

func (w wrongAccount) CallerAccount(context.Context, syntax.DID) (Account, error) {
	return w.Account, nil
}

// TestStandingFailsClosed: nobody is admitted by a mistake of the program.
func TestStandingFailsClosed(t *testing.T) {
	caller := Caller{DID: alice, Kind: KindSession}
	for name, got := range map[string]func() (Account, error){
		"no standing":     func() (Account, error) { return admit(t, Session, caller, statuses{alice: ""}) },
		"no accounts":     func() (Account, error) { return admit(t, Session.In(Any), caller, nil) },
		"zero account":    func() (Account, error) { return admit(t, Session.In(Any), caller, wrongAccount{}) },
		"another account": func() (Account, error) { return admit(t, Session.In(Any), caller, wrongAccount{Account{DID: bob}}) },
	} {
		if _, err := got(); err == nil {
			t.Errorf("%s: admitted", name)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("In took a standing that there isn't")
		}
	}()
	Session.In(0)
}

// TestPolicyNames: a policy prints as it is written, and says whether it names a standing.
func TestPolicyNames(t *testing.T) {
	for want, test := range map[string]struct {
		policy Policy
		named  bool
	}{
		"":                                 {Policy{}, true},
		"Public":                           {Public, true},
		"Admin.Or(Moderator)":              {Admin.Or(Moderator), true},
		"Session":                          {Session, false},
		"Admin.OrApp()":                    {Admin.OrApp(), false},
		"Admin.OrTakendown()":              {Admin.OrTakendown(), false},
		"Session.In(Active)":               {Session.In(Active), true},
		"Session.Or(Admin).In(Active)":     {Session.In(Active).Or(Admin), true},
		"Admin.Or(Session).In(Any)":        {Admin.Or(Session.In(Any)), true},
		"Session.Or(Service)":              {Session.Unasked().Or(Service), false},
		"Session.Or(Service).In(Active)":   {Session.In(Any).Or(Service.In(Active)), true},
		"Session.Or(Admin).Unasked()":      {Session.Unasked().Or(Admin), true},
		"Refresh.OrExpired().Unasked()":    {Refresh.OrExpired().Unasked(), true},
		"Service.Optional().In(Any)":       {Service.In(Any).Optional(), true},
		"Session.OrApp(identity:*)":        {Session.OrApp(IdentityPermission("*")), false},
		"Session.OrTakendown().In(Active)": {Session.In(Any).OrTakendown().In(Active), true},
	} {
		if got := test.policy.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, named := test.policy.Standing(); named != test.named {
			t.Errorf("%s: named is %t", want, named)
		}
	}
	if s, _ := Session.In(NotTakenDown).Standing(); s != NotTakenDown {
		t.Errorf("got %s", s)
	}
}

// The failure of a lookup is none of the client's business, and not a refusal.
func TestStandingLookupFails(t *testing.T) {
	lost := errors.New("connection lost")
	_, err := admit(t, Session.In(Any), Caller{DID: alice, Kind: KindSession}, failing{lost})
	var e *Error
	if !errors.Is(err, lost) || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) CallerAccount(context.Context, syntax.DID) (Account, error) { return Account{}, f.err }
