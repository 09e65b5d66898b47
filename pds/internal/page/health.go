package page

import (
	"encoding/json"
	"net/http"
)

type health struct {
	Version string `json:"version"`
	Error   string `json:"error,omitempty"`
}

// health says whether the server can do its work, which is to reach its store.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	status, body := http.StatusOK, health{Version: h.Version}
	if err := h.Accounts.Healthy(r.Context()); err != nil {
		h.Logger.ErrorContext(r.Context(), "page: the store doesn't answer", "err", err)
		status, body.Error = http.StatusServiceUnavailable, "Service Unavailable"
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
