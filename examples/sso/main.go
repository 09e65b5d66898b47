// Command sso is a service with users of its own, who get accounts of the AT Protocol along with it. They sign in as they
// always did; the cookie that they get is good for the PDS's methods, too. For apps that know nothing of the service it
// exchanges the cookie for the protocol's tokens.
//
//	go run ./examples/sso
//	curl -c cookies -d 'user=alice&password=wonderland' http://localhost:8080/login
//	curl -b cookies http://localhost:8080/xrpc/com.atproto.server.getSession
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/pdskit/pdskit/examples/internal/dev"
	"github.com/pdskit/pdskit/pds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := dev.Config(ctx, "http://localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	users := newUsers(map[string]string{"alice": "wonderland", "bob": "builder"})
	c.Authenticators = users.authenticators()
	c.Hooks.HandleAllowed = refuseHandles
	srv, err := pds.New(c)
	if err != nil {
		log.Fatal(err)
	}
	if err := dev.Serve(ctx, "localhost:8080", srv, routes(users, srv)); err != nil {
		log.Fatal(err)
	}
}

// routes are the service's own pages, with the PDS beside them.
func routes(users *users, srv *pds.Server) http.Handler {
	mux := http.NewServeMux()
	login := func(w http.ResponseWriter, r *http.Request) { users.login(w, r, srv) }
	mux.Handle("POST /login", users.sameSite.Handler(http.HandlerFunc(login)))
	mux.HandleFunc("POST /tokens", func(w http.ResponseWriter, r *http.Request) { users.tokens(w, r, srv) })
	srv.Mount(mux)
	return mux
}
