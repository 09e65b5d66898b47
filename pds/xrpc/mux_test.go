package xrpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type echoParams struct {
	Repo  syntax.AtIdentifier `json:"repo"`
	Limit int                 `json:"limit,omitempty" default:"50" min:"1" max:"100"`
	Flag  bool                `json:"flag,omitempty"`
	CIDs  []cid.Cid           `json:"cids,omitempty"`
}

type echoInput struct {
	Name  string `json:"name"`
	Count int    `json:"count,omitempty"`
}

type plainInput struct {
	Count  int64 `json:"count"`
	Really bool  `json:"really"`
}

type nestedInput struct {
	Filter struct {
		Name string `json:"name,omitempty"`
	} `json:"filter"`
	Limit *int64 `json:"limit"`
}

type boundParams struct {
	From  int64 `json:"from,omitempty" min:"1"`
	Until int64 `json:"until,omitempty" max:"-1"`
	Zero  int64 `json:"zero,omitempty" min:"0" max:"0"`

	Cursor *int64      `json:"cursor,omitempty" min:"0"`
	Actor  *syntax.DID `json:"actor,omitempty"`
}

var errTable = errors.New("known to the table")

func newMux(t *testing.T) *xrpc.Mux {
	t.Helper()
	admin := password.Admin("secret")
	mux := xrpc.NewMux(xrpc.MuxConfig{
		Authenticator: admin,
		Logger:        slog.New(slog.DiscardHandler),
		Errors: func(err error) *xrpc.Error {
			if errors.Is(err, errTable) {
				return xrpc.Errorf("FromTable", "translated")
			}
			return nil
		},
	})
	fail := func(err error) func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) {
		return func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { return nil, err }
	}
	mux.Handle(
		xrpc.Query("com.example.echo", auth.Public,
			func(_ context.Context, c *xrpc.Call[echoParams]) (*echoParams, error) { return &c.Input, nil }),
		xrpc.Procedure("com.example.post", auth.Public,
			func(_ context.Context, c *xrpc.Call[echoInput]) (*echoInput, error) { return &c.Input, nil }).WithMaxBody(100),
		xrpc.Procedure("com.example.plain", auth.Public,
			func(_ context.Context, c *xrpc.Call[plainInput]) (*plainInput, error) { return &c.Input, nil }),
		xrpc.Procedure("com.example.nested", auth.Public,
			func(_ context.Context, c *xrpc.Call[nestedInput]) (*nestedInput, error) { return &c.Input, nil }),
		xrpc.Query("com.example.bound", auth.Public,
			func(_ context.Context, c *xrpc.Call[boundParams]) (*boundParams, error) { return &c.Input, nil }),
		xrpc.Query("com.example.upstream", auth.Public, fail(fmt.Errorf("another server: %w", io.ErrUnexpectedEOF))),
		xrpc.Procedure("com.example.long", auth.Public,
			func(_ context.Context, c *xrpc.Call[echoInput]) (*echoInput, error) { return &c.Input, nil }).WithMaxBody(-1),
		xrpc.Query("com.example.secret", auth.Admin, fail(nil)),
		xrpc.Query("com.example.named", auth.Public, fail(xrpc.Errorf("Named", "told"))),
		xrpc.Query("com.example.table", auth.Public, fail(errTable)),
		xrpc.Query("com.example.internal", auth.Public, fail(errors.New("password of the database is hunter2"))),
		xrpc.Query("com.example.panic", auth.Public,
			func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { panic("hunter2") }),
	)
	return mux
}

func do(mux http.Handler, method, target, body string, header ...string) (int, string, http.Header) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, target, r)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String(), rec.Header()
}

func TestRequests(t *testing.T) {
	mux := newMux(t)
	const js = "application/json"
	link := "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"
	for _, test := range []struct {
		name, method, target, body, contentType string
		status                                  int
		want                                    string
	}{
		{"defaults are filled in", "GET", "/xrpc/com.example.echo?repo=did:web:a.example", "", "", 200, `{"repo":"did:web:a.example","limit":50}`},
		{"all kinds of parameters", "GET", "/xrpc/com.example.echo?repo=alice.test&limit=7&flag=true&cids=" + link + "&cids=" + link, "", "",
			200, `{"repo":"alice.test","limit":7,"flag":true,"cids":[{"/":"` + link + `"},{"/":"` + link + `"}]}`},
		{"a required parameter is missing", "GET", "/xrpc/com.example.echo", "", "", 400, `Params must have the property \"repo\"`},
		{"an empty parameter is missing", "GET", "/xrpc/com.example.echo?repo=", "", "", 400, `must have the property`},
		{"a parameter of the wrong syntax", "GET", "/xrpc/com.example.echo?repo=..", "", "", 400, `Param \"repo\" is not valid`},
		{"not a number", "GET", "/xrpc/com.example.echo?repo=a.test&limit=x", "", "", 400, `Param \"limit\" must be an integer`},
		{"too small", "GET", "/xrpc/com.example.echo?repo=a.test&limit=0", "", "", 400, `can not be less than 1`},
		{"too large", "GET", "/xrpc/com.example.echo?repo=a.test&limit=101", "", "", 400, `can not be greater than 100`},
		{"not a boolean", "GET", "/xrpc/com.example.echo?repo=a.test&flag=1", "", "", 400, `must be true or false`},
		{"twice", "GET", "/xrpc/com.example.echo?repo=a.test&repo=b.test", "", "", 400, `must be given once`},
		{"a bad query string", "GET", "/xrpc/com.example.echo?repo=%zz", "", "", 400, `InvalidRequest`},
		{"JSON in and out", "POST", "/xrpc/com.example.post", `{"name":"x","more":1}`, js, 200, `{"name":"x"}`},
		{"a required field is missing", "POST", "/xrpc/com.example.post", `{}`, js, 400, `Input must have the property \"name\"`},
		{"required and zero", "POST", "/xrpc/com.example.plain", `{"count":0,"really":false}`, js, 200, `{"count":0,"really":false}`},
		{"required and null", "POST", "/xrpc/com.example.plain", `{"count":null,"really":false}`, js, 400, `Input must have the property \"count\"`},
		{"required and absent", "POST", "/xrpc/com.example.plain", `{"count":0}`, js, 400, `Input must have the property \"really\"`},
		{"required and empty", "POST", "/xrpc/com.example.nested", `{"filter":{},"limit":0}`, js, 200, `{"filter":{},"limit":0}`},
		{"required object absent", "POST", "/xrpc/com.example.nested", `{"limit":0}`, js, 400, `Input must have the property \"filter\"`},
		{"required pointer null", "POST", "/xrpc/com.example.nested", `{"filter":{},"limit":null}`, js, 400, `Input must have the property \"limit\"`},
		{"no upper bound", "GET", "/xrpc/com.example.bound?from=5", "", "", 200, `{"from":5}`},
		{"below the only bound", "GET", "/xrpc/com.example.bound?from=0", "", "", 400, `can not be less than 1`},
		{"no lower bound", "GET", "/xrpc/com.example.bound?until=-5", "", "", 200, `{"until":-5}`},
		{"above the only bound", "GET", "/xrpc/com.example.bound?until=0", "", "", 400, `can not be greater than -1`},
		{"bounds of zero", "GET", "/xrpc/com.example.bound?zero=1", "", "", 400, `can not be greater than 0`},
		{"a pointer to zero", "GET", "/xrpc/com.example.bound?cursor=0&actor=did:web:a.example", "", "", 200, `{"cursor":0,"actor":"did:web:a.example"}`},
		{"a pointer below its bound", "GET", "/xrpc/com.example.bound?cursor=-1", "", "", 400, `can not be less than 0`},
		{"a pointer to what isn't one", "GET", "/xrpc/com.example.bound?actor=a", "", "", 400, `Param \"actor\" is not valid`},
		{"another server's answer is cut off", "GET", "/xrpc/com.example.upstream", "", "", 500, `"InternalServerError"`},
		{"a field of the wrong type", "POST", "/xrpc/com.example.post", `{"name":1}`, js, 400, `Input/name must not be of type number`},
		{"not an object", "POST", "/xrpc/com.example.post", `[]`, js, 400, `must be an object`},
		{"not JSON", "POST", "/xrpc/com.example.post", `{"name`, js, 400, `not valid JSON`},
		{"no body", "POST", "/xrpc/com.example.post", ``, js, 400, `body is expected`},
		{"another type of body", "POST", "/xrpc/com.example.post", `{}`, "text/plain", 400, `Wrong request encoding (Content-Type): text/plain`},
		{"no type of body", "POST", "/xrpc/com.example.post", `{}`, "", 400, `required but not provided`},
		{"a body over the limit", "POST", "/xrpc/com.example.post", `{"name":"` + strings.Repeat("x", 100) + `"}`, js, 413, `"PayloadTooLarge"`},
		{"the wrong verb", "GET", "/xrpc/com.example.post", "", "", 400, `Incorrect HTTP method (GET) expected POST`},
		{"an unknown method", "GET", "/xrpc/com.example.unknown", "", "", 501, `"MethodNotImplemented"`},
		{"not an NSID", "GET", "/xrpc/what/ever", "", "", 400, `"InvalidRequest"`},
		{"an error with a name", "GET", "/xrpc/com.example.named", "", "", 400, `{"error":"Named","message":"told"}`},
		{"an error of the table", "GET", "/xrpc/com.example.table", "", "", 400, `{"error":"FromTable","message":"translated"}`},
		{"any other error", "GET", "/xrpc/com.example.internal", "", "", 500, `{"error":"InternalServerError","message":"Internal Server Error"}`},
		{"a panic", "GET", "/xrpc/com.example.panic", "", "", 500, `{"error":"InternalServerError","message":"Internal Server Error"}`},
		{"the policy refuses", "GET", "/xrpc/com.example.secret", "", "", 401, `"AuthenticationRequired"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var header []string
			if test.contentType != "" {
				header = []string{"Content-Type", test.contentType}
			}
			status, body, _ := do(mux, test.method, test.target, test.body, header...)
			if status != test.status || !strings.Contains(body, test.want) {
				t.Errorf("got %d %s, want %d %s", status, body, test.status, test.want)
			}
			if strings.Contains(body, "hunter2") {
				t.Error("an internal detail leaked")
			}
		})
	}
}

// The log says where a handler panicked.
func TestPanicIsLogged(t *testing.T) {
	var log bytes.Buffer
	mux := xrpc.NewMux(xrpc.MuxConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	mux.Handle(xrpc.Query("com.example.panic", auth.Public,
		func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { panic("hunter2") }))
	do(mux, "GET", "/xrpc/com.example.panic", "")
	for _, want := range []string{"com.example.panic", "hunter2", "TestPanicIsLogged.func1", "mux_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log doesn't say %q: %s", want, &log)
		}
	}
}

// A body of unknown length that is too long, or ends early, is noticed while it is read.
func TestBodyWithoutLength(t *testing.T) {
	mux := newMux(t)
	for _, test := range []struct {
		name   string
		body   io.Reader
		status int
	}{
		{"too long", strings.NewReader(strings.Repeat(" ", 101)), 413},
		{"cut off", io.MultiReader(strings.NewReader(`{"na`), errReader{io.ErrUnexpectedEOF}), 400},
	} {
		req := httptest.NewRequest("POST", "/xrpc/com.example.post", test.body)
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = -1
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, req)
		if rec.Code != test.status {
			t.Errorf("%s: got %d %s", test.name, rec.Code, rec.Body)
		}
	}
}

// A body that is compressed isn't understood.
func TestContentEncoding(t *testing.T) {
	mux := newMux(t)
	for encoding, want := range map[string]int{"gzip": 415, "identity": 200} {
		status, body, _ := do(mux, "POST", "/xrpc/com.example.post", `{"name":"x"}`,
			"Content-Type", "application/json", "Content-Encoding", encoding)
		if status != want {
			t.Errorf("%s: got %d %s", encoding, status, body)
		}
	}
}

// A client that announces more than it sends gets no memory for it.
func TestAnnouncedLength(t *testing.T) {
	mux := newMux(t)
	req := httptest.NewRequest("POST", "/xrpc/com.example.long", strings.NewReader(`{"name":"x"}`))
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength = 1 << 62
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, req)
	if rec.Code != 200 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// What depends on who asks isn't kept by caches for others.
func TestPrivate(t *testing.T) {
	mux := newMux(t)
	for path, want := range map[string]string{"com.example.secret": "private", "com.example.echo?repo=a.test": ""} {
		_, _, h := do(mux, "GET", "/xrpc/"+path, "")
		if got := h.Get("Cache-Control"); got != want || (h.Get("Vary") == "Authorization") != (want != "") {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestCORS(t *testing.T) {
	mux := newMux(t)
	status, _, header := do(mux, "OPTIONS", "/xrpc/com.example.post", "", "Origin", "https://app.example",
		"Access-Control-Request-Headers", "authorization,content-type")
	if status != 204 || header.Get("Access-Control-Allow-Origin") != "*" ||
		header.Get("Access-Control-Allow-Headers") != "authorization,content-type" ||
		header.Get("Access-Control-Max-Age") != "86400" || header.Get("Vary") != "Access-Control-Request-Headers" {
		t.Errorf("preflight: %d %v", status, header)
	}
	_, _, header = do(mux, "GET", "/xrpc/com.example.named", "")
	if header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("an error can't be read by a script")
	}
}

func TestRegistration(t *testing.T) {
	noop := func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { return nil, nil }
	for name, register := range map[string]func(*xrpc.Mux){
		"twice":          func(m *xrpc.Mux) { m.Handle(xrpc.Query("com.example.echo", auth.Public, noop)) },
		"no such method": func(m *xrpc.Mux) { m.Handle(xrpc.Override(xrpc.Query("com.example.new", auth.Public, noop))) },
		"no policy":      func(m *xrpc.Mux) { m.Handle(xrpc.Query("com.example.new", auth.Policy{}, noop)) },
		"no standing":    func(m *xrpc.Mux) { m.Handle(xrpc.Query("com.example.new", auth.Session, noop)) },
		"no accounts":    func(m *xrpc.Mux) { m.Handle(xrpc.Query("com.example.new", auth.Session.In(auth.Any), noop)) },
		"not an NSID":    func(m *xrpc.Mux) { m.Handle(xrpc.Query("echo", auth.Public, noop)) },
		"no json name":   func(m *xrpc.Mux) { m.Handle(xrpc.Query("com.example.new", auth.Public, badInput[struct{ X string }])) },
		"no such params": func(m *xrpc.Mux) {
			m.Handle(xrpc.Query("com.example.new", auth.Public, badInput[struct {
				X map[string]int `json:"x"`
			}]))
		},
		"no such pointer": func(m *xrpc.Mux) {
			m.Handle(xrpc.Query("com.example.new", auth.Public, badInput[struct {
				X *struct{} `json:"x"`
			}]))
		},
		"after it serves": func(m *xrpc.Mux) { do(m, "GET", "/xrpc/x", ""); m.Handle() },
	} {
		t.Run(name, func(t *testing.T) {
			mux := newMux(t)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			register(mux)
		})
	}
	mux := newMux(t)
	mux.Handle(xrpc.Override(xrpc.Query("com.example.named", auth.Public, noop)))
	if status, _, _ := do(mux, "GET", "/xrpc/com.example.named", ""); status != 200 {
		t.Errorf("the override answers %d", status)
	}
}

func badInput[In any](context.Context, *xrpc.Call[In]) (*struct{}, error) { return nil, nil }

func FuzzParams(f *testing.F) {
	f.Add("repo=did:web:a.example&limit=3&flag=true")
	f.Add("repo=a.test&cids=bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a")
	f.Add("repo=%ff&limit=-9223372036854775809&cids=")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/xrpc/com.example.echo", nil)
		r.URL.RawQuery = query
		var in echoParams
		if err := xrpc.DecodeParams(r, &in); err != nil {
			var e *xrpc.Error
			if !errors.As(err, &e) || e.Status != 400 {
				t.Errorf("%q: %v", query, err)
			}
			return
		}
		if in.Repo == "" || in.Limit < 1 || in.Limit > 100 {
			t.Errorf("%q decoded to %+v", query, in)
		}
	})
}
