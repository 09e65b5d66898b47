package plc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

const (
	maxBodyBytes = 100 << 10 // of a submitted operation in JSON
	maxExport    = 1000      // records in an answer of /export
)

// ServeHTTP answers as the public directory does.
//
// Spec: https://web.plc.directory/api/redoc
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

func (d *Directory) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				writeError(w, err)
			}
		})
	}
	handle("GET /{$}", d.serveIndex)
	handle("GET /_health", d.serveHealth)
	handle("GET /export", d.serveExport)
	handle("GET /{did}", d.serveDocument)
	handle("GET /{did}/data", d.serveData)
	handle("GET /{did}/log", d.serveLog)
	handle("GET /{did}/log/audit", d.serveAuditLog)
	handle("GET /{did}/log/last", d.serveLastOp)
	handle("POST /{did}", d.serveSubmit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Everything here is public, and pages of other origins resolve DIDs.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET,HEAD,POST")
			w.Header().Set("Access-Control-Allow-Headers", "*")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (d *Directory) serveIndex(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, "This is a PLC directory. See https://web.plc.directory for what that is.\n")
	return err
}

func (d *Directory) serveHealth(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, "application/json", map[string]string{"version": "pdskit"})
}

func (d *Directory) serveDocument(w http.ResponseWriter, r *http.Request) error {
	data, err := d.Data(pathDID(r))
	if err != nil {
		return err
	}
	return writeJSON(w, "application/did+ld+json", data.document())
}

func (d *Directory) serveData(w http.ResponseWriter, r *http.Request) error {
	data, err := d.Data(pathDID(r))
	if err != nil {
		return err
	}
	return writeJSON(w, "application/json", data)
}

func (d *Directory) serveLog(w http.ResponseWriter, r *http.Request) error {
	active := d.active(pathDID(r))
	if len(active) == 0 {
		return notRegistered(pathDID(r))
	}
	ops := make([]Op, len(active))
	for i, e := range active {
		ops[i] = e.Op
	}
	return writeJSON(w, "application/json", ops)
}

func (d *Directory) serveAuditLog(w http.ResponseWriter, r *http.Request) error {
	audit, err := d.AuditLog(pathDID(r))
	if err != nil {
		return err
	}
	return writeJSON(w, "application/json", audit)
}

func (d *Directory) serveLastOp(w http.ResponseWriter, r *http.Request) error {
	active := d.active(pathDID(r))
	if len(active) == 0 {
		return notRegistered(pathDID(r))
	}
	return writeJSON(w, "application/json", active[len(active)-1].Op)
}

func (d *Directory) serveSubmit(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return &Error{Status: http.StatusRequestEntityTooLarge, Message: "request entity too large"}
		}
		return invalid(ErrMalformed, "request aborted")
	}
	op, err := ParseOp(body)
	if err != nil {
		return err
	}
	if err := d.Submit(r.Context(), pathDID(r), op); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = io.WriteString(w, "OK")
	return err
}

// serveExport writes operations as JSON lines: with sequence numbers if the cursor is a number, else in the older form.
func (d *Directory) serveExport(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	count := maxExport
	if s := query.Get("count"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return invalid(nil, "Invalid count parameter")
		}
		count = min(n, maxExport)
	}
	after := query.Get("after")
	if digits.MatchString(after) {
		seq, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return invalid(nil, "Invalid after parameter")
		}
		return writeLines(w, d.export(count, func(r Entry) bool { return r.Seq <= seq }), Entry.sequenced)
	}
	var since time.Time
	if after != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, after); err != nil {
			return invalid(nil, "Invalid after parameter")
		}
	}
	records := d.export(count, func(r Entry) bool { return !r.CreatedAt.After(since) })
	return writeLines(w, records, func(r Entry) (any, error) {
		r.Nullified = d.nullified(r)
		return r, nil
	})
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// sequenced returns a record as a line of the export.
func (r Entry) sequenced() (any, error) {
	w, err := r.wire()
	w.Type, w.Seq = "sequenced_op", r.Seq
	return w, err
}

func writeLines(w http.ResponseWriter, records []Entry, line func(Entry) (any, error)) error {
	w.Header().Set("Content-Type", "application/jsonlines")
	for i, r := range records {
		v, err := line(r)
		if err != nil {
			return err
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if i > 0 {
			b = append([]byte("\n"), b...)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func pathDID(r *http.Request) syntax.DID { return syntax.DID(r.PathValue("did")) }

func writeJSON(w http.ResponseWriter, contentType string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("plc: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	_, err = w.Write(b)
	return err
}

// writeError answers a refusal as it is, and anything else without saying what it was.
func writeError(w http.ResponseWriter, err error) {
	refusal := &Error{Status: http.StatusInternalServerError, Message: "Internal Server Error"}
	errors.As(err, &refusal)
	b, err := json.Marshal(map[string]string{"message": refusal.Message})
	if err != nil {
		b = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(refusal.Status)
	w.Write(b) //nolint:errcheck // the client is gone
}
