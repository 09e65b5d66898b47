package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity/plc"
)

// secret is what the program seals its keys with.
var secret = strings.Repeat("s", 32)

// startPLC serves a PLC directory, and returns its URL.
func startPLC(t *testing.T) string {
	t.Helper()
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(directory)
	t.Cleanup(server.Close)
	return server.URL
}

// client speaks for somebody who has an account.
type client struct {
	url           string
	did           syntax.DID
	authorization string
}

// signUp makes the account name.feed.example.com.
func signUp(ctx context.Context, url, name string) (*client, error) {
	var out struct {
		DID       syntax.DID
		AccessJWT string
	}
	err := (&client{url: url}).post(ctx, "com.atproto.server.createAccount", map[string]any{
		"handle": name + ".feed.example.com", "email": name + "@example.com", "password": name + "-password",
	}, &out)
	return &client{url, out.DID, "Bearer " + out.AccessJWT}, err
}

func (c *client) put(ctx context.Context, rkey, text string) error {
	return c.post(ctx, "com.atproto.repo.putRecord", map[string]any{
		"repo": c.did, "collection": collection, "rkey": rkey, "record": record(text),
	}, nil)
}

func (c *client) delete(ctx context.Context, rkey string) error {
	return c.post(ctx, "com.atproto.repo.deleteRecord", map[string]any{
		"repo": c.did, "collection": collection, "rkey": rkey,
	}, nil)
}

func record(text string) map[string]any {
	return map[string]any{"$type": collection, "text": text, "createdAt": "2026-01-02T12:00:00Z"}
}

func (c *client) post(ctx context.Context, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, method, "application/json", body, out)
}

func (c *client) do(ctx context.Context, verb, method, contentType string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, verb, c.url+"/xrpc/"+method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", method, res.StatusCode, answer)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = answer
		return nil
	}
	return json.Unmarshal(answer, out)
}
