package page

import (
	"fmt"
	"net/http"
)

func (h *Handler) robots(w http.ResponseWriter, r *http.Request) {
	writeText(w, "# The public API may be crawled.\nUser-agent: *\nAllow: /\n")
}

func (h *Handler) landing(w http.ResponseWriter, r *http.Request) {
	writeText(w, fmt.Sprintf(`This is an AT Protocol Personal Data Server (PDS).

    Server    %s
    API       %s/xrpc/
    Protocol  https://atproto.com
    Code      https://github.com/pdskit/pdskit
`, h.DID, h.PublicURL))
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(text))
}
