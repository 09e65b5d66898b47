package things_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/pds/xrpc/lexgen/internal/things"
)

func listThings(_ context.Context, c *xrpc.Call[things.ListThingsParams]) (*things.ListThingsOutput, error) {
	owner := syntax.DID("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
	return &things.ListThingsOutput{Things: []things.ThingsThing{{
		URI: "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/com.example.things.thing/a", Name: c.Input.Actor.String(),
		State: things.ThingsNew, Owner: &owner, Size: &c.Input.Limit,
		Detail: &things.ThingsThingDetail{ThingsColor: &things.ThingsColor{Rgb: []byte{1, 2, 3}}},
	}}}, nil
}

func moveThing(_ context.Context, c *xrpc.Call[things.MoveThingInput]) (*things.ThingsThing, error) {
	if !c.Input.Gently && c.Input.X > 10 {
		return nil, xrpc.Errorf("TooHeavy", "It doesn't move")
	}
	return &things.ThingsThing{URI: c.Input.URI, Name: "thing", State: things.ThingsOld}, nil
}

func getPicture(w http.ResponseWriter, c *xrpc.Call[things.GetPictureParams]) error {
	_, err := w.Write([]byte("a picture of " + c.Input.URI.RecordKey().String()))
	return err
}

// TestMethods: the generated functions register methods that work, and answer what their lexicons say.
func TestMethods(t *testing.T) {
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
	mux.Handle(things.ListThings(auth.Public, listThings), things.MoveThing(auth.Public, moveThing),
		things.GetPicture(auth.Public, getPicture))
	catalog, err := lexicon.New(lexicon.Config{Files: os.DirFS("lexicons")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"com.example.things.listThings?actor=alice.test", "", 200, `"size":50`},
		{"com.example.things.listThings?actor=alice.test&limit=7", "", 200, `"rgb":{"$bytes":"AQID"}`},
		{"com.example.things.listThings?actor=alice.test&limit=101", "", 400, "InvalidRequest"},
		{"com.example.things.listThings?actor=nobody", "", 400, "InvalidRequest"},
		{"com.example.things.listThings", "", 400, "InvalidRequest"},
		{"com.example.things.moveThing", `{"uri":"at://did:plc:a/com.example.things.thing/a","x":0,"gently":false}`, 200, `"state":"com.example.things.defs#old"`},
		{"com.example.things.moveThing", `{"uri":"at://did:plc:a/com.example.things.thing/a","x":11,"gently":false}`, 400, "TooHeavy"},
		{"com.example.things.moveThing", `{"uri":"at://did:plc:a/com.example.things.thing/a","x":0}`, 400, "InvalidRequest"},
		{"com.example.things.getPicture?uri=at://did:plc:a/com.example.things.thing/a", "", 200, "a picture of a"},
		{"com.example.things.getPicture", "", 400, "InvalidRequest"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/xrpc/"+c.path, nil)
		if c.body != "" {
			r = httptest.NewRequest(http.MethodPost, "/xrpc/"+c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
		id, _, _ := strings.Cut(c.path, "?")
		method, err := catalog.Method(syntax.NSID(id))
		if err != nil {
			t.Fatal(err)
		}
		if err := method.CheckOutput(w.Body.Bytes()); w.Code == 200 && err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}

// TestSubscription: a generated function registers a stream that works.
func TestSubscription(t *testing.T) {
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
	mux.Handle(things.SubscribeThings(auth.Public,
		func(_ context.Context, c *xrpc.Call[things.SubscribeThingsParams], s *xrpc.Stream) error {
			if c.Input.Cursor == nil || *c.Input.Cursor != 0 {
				t.Errorf("the cursor is %v", c.Input.Cursor)
			}
			return s.Send("#moved", things.SubscribeThingsMoved{URI: "at://did:plc:a/com.example.things.thing/a"})
		}))
	server := httptest.NewServer(mux)
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), server.URL+"/xrpc/com.example.things.subscribeThings?cursor=0",
		&websocket.DialOptions{Subprotocols: []string{xrpc.TextProtocol}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	const want = `{"$type":"message","payload":{"$type":"com.example.things.subscribeThings#moved",` +
		`"uri":"at://did:plc:a/com.example.things.thing/a"}}`
	if _, frame, err := conn.Read(t.Context()); err != nil || string(frame) != want {
		t.Errorf("got %s, %v", frame, err)
	}
}

// TestTypes: the generated types agree with their lexicons.
func TestTypes(t *testing.T) {
	catalog, err := lexicon.New(lexicon.Config{Files: os.DirFS("lexicons")})
	if err != nil {
		t.Fatal(err)
	}
	for id, types := range map[syntax.NSID][2]reflect.Type{
		"com.example.things.listThings":      {reflect.TypeFor[things.ListThingsParams](), reflect.TypeFor[things.ListThingsOutput]()},
		"com.example.things.moveThing":       {reflect.TypeFor[things.MoveThingInput](), reflect.TypeFor[things.ThingsThing]()},
		"com.example.things.subscribeThings": {reflect.TypeFor[things.SubscribeThingsParams](), reflect.TypeFor[struct{}]()},
		"com.example.things.getPicture":      {reflect.TypeFor[things.GetPictureParams](), reflect.TypeFor[struct{}]()},
	} {
		method, err := catalog.Method(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := method.CheckTypes(types[0], types[1]); err != nil {
			t.Error(err)
		}
	}
}

// TestUnion: a variant, and JSON of a type that the union doesn't list, survive being decoded and encoded.
func TestUnion(t *testing.T) {
	for _, text := range []string{
		`{"$type":"com.example.things.defs#color","rgb":{"$bytes":"AQID"}}`,
		`{"$type":"com.example.things.thing","createdAt":"2026-01-02T03:04:05Z","name":"a"}`,
		`{"$type":"com.example.other","more":[1,2]}`,
	} {
		var u things.ThingsThingDetail
		if err := json.Unmarshal([]byte(text), &u); err != nil {
			t.Error(err)
			continue
		}
		got, err := json.Marshal(u)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
