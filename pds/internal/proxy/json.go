package proxy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

var (
	errNotJSON  = errors.New("proxy: the answer isn't JSON")
	errTooLarge = errors.New("proxy: the answer is too large")
)

// readJSON decodes an answer of up to limit bytes, after decompression, into out.
func readJSON(resp *http.Response, limit int64, share *share, out any) error {
	if !isJSON(resp.Header) {
		return errNotJSON
	}
	return decode(resp.Header, resp.Body, limit, share, out)
}

func isJSON(h http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

// decode decodes a body of up to limit bytes, of the encodings that we ask for.
func decode(h http.Header, body io.Reader, limit int64, share *share, out any) error {
	switch h.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		var err error
		if body, err = gzip.NewReader(body); err != nil {
			return err
		}
	default:
		return errNotJSON
	}
	raw, err := io.ReadAll(share.reader(io.LimitReader(body, limit+1)))
	switch {
	case err != nil:
		return err
	case int64(len(raw)) > limit:
		return errTooLarge
	}
	return unmarshal(raw, out)
}

// unmarshal decodes JSON, numbers as they stand.
func unmarshal(raw []byte, out any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF { // something comes after it
		return errNotJSON
	}
	return nil
}
