package identity

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/google/go-cmp/cmp"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

func registrar(t *testing.T, url string, s plc.Signer) *PLCRegistrar {
	t.Helper()
	c, err := plc.NewClient(plc.ClientConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return NewPLCRegistrar(c, s)
}

func setHandle(h syntax.Handle) Change { return Change{Handle: h} }

func TestRegistrar(t *testing.T) {
	w := newWorld(t)
	r := registrar(t, w.plcURL, w.signer)
	user, signing := newSigner(t).PublicKey().DIDKey(), newSigner(t).PublicKey().DIDKey()
	ctx := t.Context()

	w.asked.Store(0)
	did, stored, err := r.NewGenesis(ctx, Genesis{ // and then the process dies
		SigningKey: signing, Handle: "alice.test", PDS: "https://pds.test", RotationKeys: []string{user, user},
	})
	if err != nil || w.asked.Load() > 0 {
		t.Fatal(err, w.asked.Load())
	}
	for range 2 {
		if err := r.Submit(ctx, did, stored); err != nil {
			t.Fatal(err)
		}
	}
	want := plc.Data{DID: did, State: plc.State{
		RotationKeys:        []string{user, r.rotationKey()},
		VerificationMethods: map[string]string{"atproto": signing},
		AlsoKnownAs:         []string{"at://alice.test"},
		Services: map[string]plc.Service{
			"atproto_pds": {Type: "AtprotoPersonalDataServer", Endpoint: "https://pds.test"},
		},
	}}
	got, err := w.plc.Data(did)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	for range 2 { // the second one changes nothing
		if err := r.Update(ctx, did, setHandle("bob.test")); err != nil {
			t.Fatal(err)
		}
	}
	want.AlsoKnownAs[0] = "at://bob.test"
	if got, err := w.plc.Data(did); err != nil || !got.State.Equal(want.State) {
		t.Error(got, err)
	}
	if audit, err := w.plc.AuditLog(did); err != nil || len(audit) != 2 {
		t.Error(len(audit), err)
	}

	moved := Change{SigningKey: user, PDS: "https://elsewhere.test", RotationKeys: []string{user}}
	if err := r.Update(ctx, did, moved); err != nil {
		t.Fatal(err)
	}
	want.RotationKeys, want.VerificationMethods = []string{user}, map[string]string{"atproto": user}
	want.Services["atproto_pds"] = plc.Service{Type: "AtprotoPersonalDataServer", Endpoint: "https://elsewhere.test"}
	if got, err := w.plc.Data(did); err != nil || !got.State.Equal(want.State) {
		t.Error(got, err)
	}
	if err := r.Update(ctx, did, setHandle("carol.test")); !errors.Is(err, ErrNoAuthority) {
		t.Error(err)
	}
}

func TestRegistrarErrors(t *testing.T) {
	w := newWorld(t)
	r := registrar(t, w.plcURL, w.signer)
	did := w.register("alice.test")
	ctx := t.Context()
	tooMuch := Change{RotationKeys: make([]string, 11)}
	if err := r.Update(ctx, did, tooMuch); !errors.Is(err, ErrRefused) || !errors.Is(err, plc.ErrMalformed) {
		t.Error(err)
	}
	nonsense := Genesis{Handle: "alice.test", SigningKey: "nonsense"}
	if _, _, err := r.NewGenesis(ctx, nonsense); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	for _, op := range []string{"null", "{}", ""} {
		if err := r.Submit(ctx, did, json.RawMessage(op)); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: %v", op, err)
		}
	}
	if err := r.Update(ctx, "did:plc:ewvi7nxzyoun6zhxrhs64oiz", setHandle("x.test")); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	if err := r.Update(ctx, "did:web:example.com", setHandle("x.test")); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	w.plcDown.Store(true)
	if err := r.Update(ctx, did, setHandle("x.test")); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	w.plcDown.Store(false)
	audit, err := w.plc.AuditLog(did)
	if err != nil {
		t.Fatal(err)
	}
	end := &plc.Tombstone{Prev: audit[0].CID.String()}
	if err := plc.Sign(ctx, end, w.signer); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(end)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Submit(ctx, did, raw); err != nil {
		t.Fatal(err)
	}
	if err := r.Update(ctx, did, setHandle("x.test")); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

// TestRegistrarBeaten: others submit operations between the moment at which an update looks and that at which it
// submits.
func TestRegistrarBeaten(t *testing.T) {
	for rivals, wins := range map[int]bool{1: true, maxUpdates - 1: true, maxUpdates: false} {
		w := newWorld(t)
		did := w.register("alice.test")
		rival := registrar(t, w.plcURL, w.signer)
		left := rivals
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && left > 0 {
				left--
				data, err := w.plc.Data(did)
				if err == nil {
					err = rival.Update(r.Context(), did, Change{PDS: data.PDS() + "x"})
				}
				if err != nil {
					t.Error(err)
				}
			}
			w.plc.ServeHTTP(rw, r)
		}))
		err := registrar(t, srv.URL, w.signer).Update(t.Context(), did, setHandle("bob.test"))
		srv.Close()
		data, dataErr := w.plc.Data(did)
		if dataErr != nil {
			t.Fatal(dataErr)
		}
		if (err == nil) != wins || (data.Handle() == "bob.test") != wins {
			t.Errorf("%d rivals: %v, %s", rivals, err, data.Handle())
		}
		if len(data.PDS()) != len("https://pds.test")+rivals {
			t.Errorf("%d rivals: %s", rivals, data.PDS())
		}
	}
}

// TestRegistrarError: what a directory answers, in the terms of a Registrar.
func TestRegistrarError(t *testing.T) {
	all := []error{ErrUnavailable, ErrRefused, ErrNoAuthority, ErrUnsupported}
	for _, test := range []struct{ err, want error }{
		{&plc.Error{Status: 400}, ErrRefused},
		{&plc.Error{Status: 404}, ErrRefused},
		{&plc.Error{Status: 410}, ErrRefused},
		{&plc.Error{Status: 409}, nil},
		{&plc.Error{Status: 429}, ErrUnavailable},
		{&plc.Error{Status: 503}, ErrUnavailable},
		{plc.ErrNotPLC, ErrUnsupported},
		{errors.New("any"), nil},
	} {
		got := registrarError(test.err)
		if !errors.Is(got, test.err) {
			t.Errorf("%v has become %v", test.err, got)
		}
		for _, kind := range all {
			if errors.Is(got, kind) != (kind == test.want) {
				t.Errorf("%v: got %v, want %v", test.err, got, test.want)
			}
		}
	}
	if err := registrarError(nil); err != nil {
		t.Error(err)
	}
}
