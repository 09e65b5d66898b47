package xrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/coder/websocket"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/auth/password"
	"github.com/pdskit/pdskit/pds/xrpc"
)

// newExampleMux returns a Mux that knows nobody but the operator. A host has one within its pds.Server, and registers its
// methods by the server's Handle.
func newExampleMux(methods ...xrpc.Method) *xrpc.Mux {
	mux := xrpc.NewMux(xrpc.MuxConfig{
		Authenticator: auth.Schemes{"Basic": password.Admin("hunter2")},
		Logger:        slog.New(slog.DiscardHandler),
	})
	mux.Handle(methods...)
	return mux
}

// show prints what a Mux answers.
func show(mux *xrpc.Mux, r *http.Request) {
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
}

// A service without accounts, such as one that a server passes requests on to, has the same methods on a Mux of its own. Its
// callers would be known by a service.Verifier.
func ExampleNewMux() {
	mux := xrpc.NewMux(xrpc.MuxConfig{Authenticator: auth.Schemes{}})
	mux.Handle(xrpc.Query("com.example.ping", auth.Public,
		func(context.Context, *xrpc.Call[struct{}]) (*struct{}, error) { return nil, nil }))
	for _, m := range mux.Methods() {
		fmt.Println(m.Verb, m.ID, m.Policy)
	}
	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.ping", nil))
	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.pong", nil))
	// Output:
	// GET com.example.ping Public
	// 200
	// 501 {"error":"MethodNotImplemented","message":"Method Not Implemented"}
}

func ExampleQuery() {
	type params struct {
		Repo  syntax.Handle `json:"repo"`
		Limit int           `json:"limit,omitempty" default:"50" min:"1" max:"100"`
	}
	type page struct {
		Of    syntax.Handle `json:"of"`
		Limit int           `json:"limit"`
	}
	mux := newExampleMux(xrpc.Query("com.example.list", auth.Public,
		func(_ context.Context, c *xrpc.Call[params]) (*page, error) {
			return &page{c.Input.Repo, c.Input.Limit}, nil
		}))

	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.list?repo=alice.example.com", nil))
	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.list?repo=alice.example.com&limit=1000", nil))
	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.list", nil))
	// Output:
	// 200 {"of":"alice.example.com","limit":50}
	// 400 {"error":"InvalidRequest","message":"Error: Param \"limit\" can not be greater than 100"}
	// 400 {"error":"InvalidRequest","message":"Error: Params must have the property \"repo\""}
}

func ExampleProcedure() {
	type input struct {
		Name string `json:"name"`
	}
	mux := newExampleMux(xrpc.Procedure("com.example.rename", auth.Admin,
		func(_ context.Context, c *xrpc.Call[input]) (*struct{}, error) {
			fmt.Println("renamed to", c.Input.Name, "by the", c.Caller.Kind)
			return nil, nil // an empty body
		}))

	for _, password := range []string{"hunter2", "guess"} {
		r := httptest.NewRequest("POST", "/xrpc/com.example.rename", strings.NewReader(`{"name":"new"}`))
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("admin", password)
		show(mux, r)
	}
	// Output:
	// renamed to new by the admin
	// 200
	// 401 {"error":"AuthenticationRequired","message":"Authentication Required"}
}

// The policy is for who may call at all; an error of the method's lexicon is for what its input can't have.
func ExampleErrorf() {
	type params struct {
		ID string `json:"id"`
	}
	mux := newExampleMux(xrpc.Query("com.example.get", auth.Public,
		func(_ context.Context, c *xrpc.Call[params]) (*struct{}, error) {
			switch c.Input.ID {
			case "gone":
				return nil, xrpc.Errorf("ThingNotFound", "There is no thing %q", c.Input.ID)
			case "secret":
				return nil, xrpc.StatusError(http.StatusForbidden, "Not for you")
			}
			return nil, errors.New("open /var/lib/things: permission denied") // logged, and none of the client's business
		}))

	for _, id := range []string{"gone", "secret", "any"} {
		show(mux, httptest.NewRequest("GET", "/xrpc/com.example.get?id="+id, nil))
	}
	// Output:
	// 400 {"error":"ThingNotFound","message":"There is no thing \"gone\""}
	// 403 {"error":"Forbidden","message":"Not for you"}
	// 500 {"error":"InternalServerError","message":"Internal Server Error"}
}

func ExampleOverride() {
	answer := func(text string) xrpc.Method {
		return xrpc.Query("com.example.get", auth.Public,
			func(context.Context, *xrpc.Call[struct{}]) (*struct{ Text string }, error) {
				return &struct{ Text string }{text}, nil
			})
	}
	mux := newExampleMux(answer("the library's"))
	mux.Handle(xrpc.Override(answer("the host's")))

	show(mux, httptest.NewRequest("GET", "/xrpc/com.example.get", nil))
	// Output: 200 {"Text":"the host's"}
}

// A method whose body isn't JSON reads and writes it itself, as it streams.
func ExampleRaw() {
	type params struct {
		Unit string `json:"unit,omitempty" default:"bytes"`
	}
	mux := newExampleMux(xrpc.Raw("com.example.count", auth.Public, http.MethodPost,
		func(w http.ResponseWriter, c *xrpc.Call[params]) error {
			if err := xrpc.CheckContentType(c.Request, "text/plain"); err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, c.Request.Body)
			if err != nil {
				return xrpc.InvalidRequest("The body broke off")
			}
			w.Header().Set("Content-Type", "text/plain")
			_, err = fmt.Fprintf(w, "%d %s", n, c.Input.Unit)
			return err
		}).WithMaxBody(1 << 30))

	r := httptest.NewRequest("POST", "/xrpc/com.example.count?unit=octets", strings.NewReader("hello"))
	r.Header.Set("Content-Type", "text/plain")
	show(mux, r)
	show(mux, httptest.NewRequest("POST", "/xrpc/com.example.count", strings.NewReader("hello")))
	// Output:
	// 200 5 octets
	// 400 {"error":"InvalidRequest","message":"Request encoding (Content-Type) required but not provided"}
}

// A stream of numbers. The program examples/chat has one that follows the server's events.
func ExampleSubscription() {
	type params struct {
		Cursor int `json:"cursor,omitempty"`
	}
	type number struct {
		Seq int `json:"seq"`
	}
	mux := newExampleMux(xrpc.Subscription("com.example.subscribe", auth.Public,
		func(_ context.Context, c *xrpc.Call[params], s *xrpc.Stream) error {
			for seq := c.Input.Cursor + 1; seq <= 3; seq++ {
				if err := s.Send("#number", number{seq}); err != nil {
					return err
				}
			}
			return xrpc.Errorf("ConsumerTooSlow", "That is all")
		}))
	server := httptest.NewServer(mux)
	defer server.Close()

	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, server.URL+"/xrpc/com.example.subscribe?cursor=1",
		&websocket.DialOptions{Subprotocols: []string{xrpc.TextProtocol}}) // otherwise, the frames are CBOR
	if err != nil {
		log.Fatal(err)
	}
	defer conn.CloseNow()
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			break
		}
		fmt.Println(string(frame))
	}
	// Output:
	// {"$type":"message","payload":{"$type":"com.example.subscribe#number","seq":2}}
	// {"$type":"message","payload":{"$type":"com.example.subscribe#number","seq":3}}
	// {"$type":"error","error":"ConsumerTooSlow","message":"That is all"}
}

// A method that is there already, a built-in one for instance, with a condition of one's own around
// it.
func ExampleMethod_Around() {
	m := xrpc.Query("com.example.get", auth.Public,
		func(context.Context, *xrpc.Call[struct{}]) (*struct{ Text string }, error) {
			return &struct{ Text string }{"the answer"}, nil
		})
	mux := newExampleMux(m.Around(
		func(_ http.ResponseWriter, c *xrpc.Call[struct{}], next func() error) error {
			if c.Request.Header.Get("X-Closed") != "" {
				return xrpc.StatusError(http.StatusServiceUnavailable, "Closed for today")
			}
			return next()
		}))

	r := httptest.NewRequest("GET", "/xrpc/com.example.get", nil)
	show(mux, r)
	r.Header.Set("X-Closed", "1")
	show(mux, r)
	// Output:
	// 200 {"Text":"the answer"}
	// 503 {"error":"NotEnoughResources","message":"Closed for today"}
}

// A procedure has parameters beside its input.
func ExampleDecodeParams() {
	r := httptest.NewRequest("GET", "/xrpc/com.example.read?name=a&name=b", nil)
	var params struct {
		Names []string `json:"name"`
		Limit int      `json:"limit,omitempty" default:"50"`
	}
	fmt.Println(xrpc.DecodeParams(r, &params), params.Names, params.Limit)
	// Output: <nil> [a b] 50
}

// A proxy at a private address says on whose behalf it asks; of what a stranger says, nothing is believed.
func ExampleClientAddress() {
	for _, connection := range []string{"10.0.0.1:1234", "198.51.100.7:1234"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = connection
		r.Header.Set("X-Forwarded-For", "203.0.113.5")
		fmt.Println(xrpc.ClientAddress(r))
	}
	// Output:
	// 203.0.113.5
	// 198.51.100.7
}
