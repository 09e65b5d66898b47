package xrpc_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/lexicon"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// lexicons has a query and a procedure, both of which answer what they're given.
func lexicons(t testing.TB) *lexicon.Catalog {
	t.Helper()
	const name = `{"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 5}}}`
	c, err := lexicon.New(lexicon.Config{Files: fstest.MapFS{
		"query.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.query", "defs": {"main": {"type": "query",
			"parameters": {"type": "params", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 7}}},
			"output": {"encoding": "application/json", "schema": ` + name + `}}}}`)},
		"procedure.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.procedure", "defs": {"main": {"type": "procedure",
			"parameters": {"type": "params", "properties": {"flag": {"type": "boolean"}}},
			"input": {"encoding": "application/json", "schema": ` + strings.ReplaceAll(name, "5", "7") + `},
			"output": {"encoding": "application/json", "schema": ` + name + `}}}}`)},
		"nullable.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.nullable", "defs": {"main": {"type": "procedure",
			"input": {"encoding": "application/json", "schema": {"type": "object", "required": ["limit", "until"], "nullable": ["limit"],
				"properties": {"limit": {"type": "integer"}, "until": {"type": "integer"}}}}}}}`)},
		"subscription.json": {Data: []byte(`{"lexicon": 1, "id": "com.example.subscription", "defs": {"main": {"type": "subscription",
			"parameters": {"type": "params", "properties": {"name": {"type": "string", "maxLength": 7}}},
			"message": {"schema": {"type": "union", "refs": ["#message"]}}},
			"message": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}}}}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type named struct {
	Name string `json:"name"`
}

func echo(_ context.Context, c *xrpc.Call[named]) (*named, error) { return &c.Input, nil }

// TestLexicons: requests are held against their lexicons, and in development responses, too, below any middleware.
func TestLexicons(t *testing.T) {
	for _, development := range []bool{false, true} {
		mux := xrpc.NewMux(xrpc.MuxConfig{
			Authenticator: auth.Schemes{}, Lexicons: lexicons(t), CheckOutput: development,
			Logger: slog.New(slog.DiscardHandler),
		})
		mux.Handle(xrpc.Query("com.example.query", auth.Public, echo), xrpc.Procedure("com.example.procedure", auth.Public, echo),
			xrpc.Query("com.example.unknown", auth.Public, echo))
		long := map[bool]int{false: 200, true: 500}[development]
		for _, c := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"com.example.query?name=a", "", 200, `{"name":"a"}`},
			{"com.example.query?name=abcdef", "", long, ""},
			{"com.example.query?name=abcdefgh", "", 400, "params.name: "},
			{"com.example.procedure", `{"name":"a"}`, 200, `{"name":"a"}`},
			{"com.example.procedure", `{"name":"abcdef"}`, long, ""},
			{"com.example.procedure?flag=true", `{"name":"a"}`, 200, `{"name":"a"}`},
			{"com.example.procedure?flag=1", `{"name":"a"}`, 400, "params.flag: "},
			{"com.example.procedure", `{"name":"abcdefgh"}`, 400, "input.name: "},
			{"com.example.unknown?name=abcdefgh", "", 200, `{"name":"abcdefgh"}`},
		} {
			r := httptest.NewRequest(http.MethodGet, "/xrpc/"+c.path, nil)
			if c.body != "" {
				r = httptest.NewRequest(http.MethodPost, "/xrpc/"+c.path, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/json")
			}
			w := httptest.NewRecorder()
			wrapped(mux).ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
			}
		}
	}
}

// TestLexiconsOfOtherHandlers: what isn't made from a function with an output is held against its lexicon, too.
func TestLexiconsOfOtherHandlers(t *testing.T) {
	type params struct {
		Name string `json:"name,omitempty"`
	}
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}, Lexicons: lexicons(t)})
	mux.Handle(
		xrpc.Subscription("com.example.subscription", auth.Public,
			func(context.Context, *xrpc.Call[params], *xrpc.Stream) error { return nil }),
		xrpc.Raw("com.example.query", auth.Public, http.MethodGet, answer[named]),
		xrpc.Raw("com.example.procedure", auth.Public, http.MethodPost, answer[struct{}]),
	)
	for path, want := range map[string]int{
		"com.example.subscription?name=abcdefgh": 400,
		"com.example.subscription?name=a":        http.StatusUpgradeRequired,
		"com.example.query?name=abcdefgh":        400,
		"com.example.query":                      400,
		"com.example.query?name=a":               200,
		"com.example.procedure?flag=1":           400,
		"com.example.procedure?flag=true":        200,
	} {
		verb := http.MethodGet
		if strings.HasPrefix(path, "com.example.procedure") {
			verb = http.MethodPost
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(verb, "/xrpc/"+path, nil))
		if w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestMessages: in development, what a stream sends is held against its lexicon, in both encodings.
func TestMessages(t *testing.T) {
	var message any
	for _, c := range []struct {
		message     any
		development bool
		failure     string
	}{
		{map[string]int{"size": 1}, true, ""},
		{map[string]string{"size": "1"}, false, ""},
		{map[string]string{"size": "1"}, true, "InternalServerError"},
		{map[string]any{}, true, "InternalServerError"},
	} {
		message = c.message
		measured := make(chan xrpc.Measurement, 1)
		mux := xrpc.NewMux(xrpc.MuxConfig{
			Authenticator: auth.Schemes{}, Lexicons: lexicons(t), CheckOutput: c.development, Logger: slog.New(slog.DiscardHandler),
			Measure: func(_ context.Context, m xrpc.Measurement) { measured <- m },
		})
		mux.Handle(xrpc.Subscription("com.example.subscription", auth.Public,
			func(_ context.Context, _ *xrpc.Call[struct{}], s *xrpc.Stream) error {
				return s.Send("#message", message)
			}))
		server := httptest.NewServer(mux)
		for _, protocols := range [][]string{nil, {xrpc.TextProtocol}} {
			conn, _, err := websocket.Dial(t.Context(), server.URL+"/xrpc/com.example.subscription",
				&websocket.DialOptions{Subprotocols: protocols})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := conn.Read(t.Context()); err != nil {
				t.Error(err)
			}
			conn.CloseNow()
			if m := <-measured; m.Error != c.failure {
				t.Errorf("%v, development %t, %v: %q", c.message, c.development, protocols, m.Error)
			}
		}
		server.Close()
	}
}

// TestNoOutput: in development, an output that is missing is found, too.
func TestNoOutput(t *testing.T) {
	nothing := func(context.Context, *xrpc.Call[named]) (*named, error) { return nil, nil }
	for development, want := range map[bool]int{false: 200, true: 500} {
		mux := xrpc.NewMux(xrpc.MuxConfig{
			Authenticator: auth.Schemes{}, Lexicons: lexicons(t), CheckOutput: development, Logger: slog.New(slog.DiscardHandler),
		})
		mux.Handle(xrpc.Query("com.example.query", auth.Public, nothing))
		if status, body, _ := do(mux, "GET", "/xrpc/com.example.query?name=a", ""); status != want {
			t.Errorf("development %t: %d %s", development, status, body)
		}
	}
}

// TestNull: null is no value for what is required, unless the lexicon says that it may be.
func TestNull(t *testing.T) {
	type input struct {
		Limit *int64 `json:"limit"`
		Until *int64 `json:"until"`
	}
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}, Lexicons: lexicons(t)})
	mux.Handle(xrpc.Procedure("com.example.nullable", auth.Public,
		func(_ context.Context, c *xrpc.Call[input]) (*struct{}, error) {
			if c.Input.Limit != nil || c.Input.Until == nil {
				t.Errorf("got %+v", c.Input)
			}
			return nil, nil
		}))
	for body, want := range map[string]int{
		`{"limit":null,"until":1}`:    200,
		`{"until":1}`:                 400,
		`{"limit":1,"until":null}`:    400,
		`{"limit":null,"until":null}`: 400,
	} {
		if status, answer, _ := do(mux, "POST", "/xrpc/com.example.nullable", body, "Content-Type", "application/json"); status != want {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
}

// wrapped has a writer around those that a handler writes to, which doesn't say what it is around.
func wrapped(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(middleware{w}, r) })
}

type middleware struct{ http.ResponseWriter }

func (m middleware) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(m.ResponseWriter).Hijack()
}

// answer answers what a method's parameters were decoded to.
func answer[In any](w http.ResponseWriter, c *xrpc.Call[In]) error {
	_, err := fmt.Fprintf(w, "%+v", c.Input)
	return err
}

// TestLexiconsAtRegistration: a method that isn't what its lexicon says is found out when it is registered.
func TestLexiconsAtRegistration(t *testing.T) {
	type other struct {
		Nom string `json:"nom"`
	}
	otherInput := func(context.Context, *xrpc.Call[other]) (*named, error) { return nil, nil }
	otherOutput := func(context.Context, *xrpc.Call[named]) (*other, error) { return nil, nil }
	for name, m := range map[string]xrpc.Method{
		"parameters": xrpc.Query("com.example.query", auth.Public, otherInput),
		"input":      xrpc.Procedure("com.example.procedure", auth.Public, otherInput),
		"output":     xrpc.Query("com.example.query", auth.Public, otherOutput),
		"stream": xrpc.Subscription("com.example.subscription", auth.Public,
			func(context.Context, *xrpc.Call[other], *xrpc.Stream) error { return nil }),
		"no stream": xrpc.Query("com.example.subscription", auth.Public,
			func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { return nil, nil }),
		"no query": xrpc.Subscription("com.example.query", auth.Public,
			func(context.Context, *xrpc.Call[named], *xrpc.Stream) error { return nil }),
		"record": xrpc.Query("app.bsky.feed.post", auth.Public, echo),
		"kind":   xrpc.Procedure("com.example.query", auth.Public, echo),

		"raw parameters":             xrpc.Raw("com.example.query", auth.Public, "GET", answer[other]),
		"no raw parameters":          xrpc.Raw("com.example.query", auth.Public, "GET", answer[struct{}]),
		"parameters of a procedure":  xrpc.Raw("com.example.procedure", auth.Public, "POST", answer[other]),
		"the verb of something else": xrpc.Raw("com.example.query", auth.Public, "POST", answer[named]),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was registered")
				}
			}()
			xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}, Lexicons: lexicons(t)}).Handle(m)
		})
	}
}
