package page

import (
	"fmt"
	"net/http"
)

func (s *Server) robots(w http.ResponseWriter, r *http.Request) {
	writeText(w, "# The public API may be crawled.\nUser-agent: *\nAllow: /\n")
}

func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	writeText(w, fmt.Sprintf(`This is an AT Protocol Personal Data Server (PDS).

    Server    %s
    API       %s/xrpc/
    Protocol  https://atproto.com
    Code      https://github.com/pdskit/pdskit
`, s.DID, s.PublicURL))
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(text))
}
