package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWelcome runs the commands that the program prints for people who have nothing yet.
func TestWelcome(t *testing.T) {
	for _, name := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	p := launch(t, t.TempDir())
	script := p.await(t, &p.stdout, regexp.MustCompile(`(?s)In another terminal:\n(.*# read it back\n.*\n\n)`))[1]
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "no_proxy=*"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var account struct{ Handle, DID string }
	var post struct{ URI string }
	var list struct {
		Records []struct {
			URI   string
			Value struct{ Text string }
		}
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	for _, answer := range []any{&account, &post, &list} {
		if err := answers.Decode(answer); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
	}
	if account.Handle != "alice.test" || len(list.Records) != 1 || list.Records[0].URI != post.URI ||
		list.Records[0].Value.Text != "Hello, world!" {
		t.Errorf("the commands print\n%s", out)
	}
}

// The advice for newcomers is for them only.
func TestWelcomeBack(t *testing.T) {
	data := t.TempDir()
	p := launch(t, data)
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	p.terminate(t)
	p = launch(t, data)
	p.terminate(t)
	if out := p.stdout.String(); strings.Contains(out, "curl") {
		t.Errorf("the program prints to those who have accounts\n%s", out)
	}
}

// TestShutdown ends the program during an upload: it finishes that first, and then ends in order.
func TestShutdown(t *testing.T) {
	data := t.TempDir()
	p := launch(t, data)
	alice, err := signUp(t.Context(), p.url, "alice")
	if err != nil {
		t.Fatal(err)
	}

	// The server says "100 Continue" when it has begun to read the body.
	begun := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(begun) }})
	body, rest := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, "POST", p.url+"/xrpc/com.atproto.repo.uploadBlob", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + alice.access}, "Content-Type": {"text/plain"}, "Expect": {"100-continue"},
	}
	type answer struct {
		*http.Response
		error
	}
	answered := make(chan answer, 1)
	go func() {
		transport := &http.Transport{ExpectContinueTimeout: patience}
		defer transport.CloseIdleConnections()
		res, err := transport.RoundTrip(req)
		answered <- answer{res, err}
	}()
	<-begun
	io.WriteString(rest, "hello ")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.await(t, &p.stderr, regexp.MustCompile("ending"))
	waitUntilRefused(t, p.url)
	io.WriteString(rest, "world")
	rest.Close()
	a := <-answered
	if a.error != nil {
		t.Fatal(a.error)
	}
	defer a.Body.Close()
	var uploaded struct {
		Blob struct {
			Ref struct {
				Link string `json:"$link"`
			}
		}
	}
	if err := json.NewDecoder(a.Body).Decode(&uploaded); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("the upload during the shutdown was answered by %s, %v", a.Status, err)
	}
	p.wantExit(t, 0)
	if left, err := filepath.Glob(filepath.Join(data, "*-wal")); err != nil || len(left) > 0 {
		t.Errorf("the database wasn't closed: %q is left, %v", left, err)
	}

	p = launch(t, data)
	blob, err := os.ReadFile(filepath.Join(data, "blobs", alice.did, uploaded.Blob.Ref.Link))
	if err != nil || string(blob) != "hello world" {
		t.Errorf("after the restart the blob is %q, %v", blob, err)
	}
	p.terminate(t)
}

// waitUntilRefused waits until nobody listens at a URL.
func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		c.Close()
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// A session outlives the server that began it, and so does what was written.
func TestRestart(t *testing.T) {
	data := t.TempDir()
	p := launch(t, data)
	alice, err := signUp(t.Context(), p.url, "alice")
	if err != nil {
		t.Fatal(err)
	}
	post := map[string]any{
		"repo": alice.did, "collection": "com.example.post", "rkey": "first", "record": map[string]string{"text": "hello"},
	}
	if err := alice.post(t.Context(), "com.atproto.repo.createRecord", post, nil); err != nil {
		t.Fatal(err)
	}
	p.terminate(t)

	p = launch(t, data)
	alice.url = p.url
	var session struct {
		DID    string
		DIDDoc json.RawMessage
	}
	if err := alice.get(t.Context(), "com.atproto.server.getSession", &session); err != nil {
		t.Fatal(err)
	}
	if session.DID != alice.did || len(session.DIDDoc) == 0 {
		t.Errorf("after the restart the session is %+v", session)
	}
	post["rkey"] = "second"
	if err := alice.post(t.Context(), "com.atproto.repo.createRecord", post, nil); err != nil {
		t.Error(err)
	}
	var list struct{ Records []any }
	err = alice.get(t.Context(), "com.atproto.repo.listRecords?collection=com.example.post&repo="+alice.did, &list)
	if err != nil || len(list.Records) != 2 {
		t.Errorf("there are %d records, %v", len(list.Records), err)
	}
	refresh := *alice
	refresh.access = alice.refresh
	if err := refresh.post(t.Context(), "com.atproto.server.refreshSession", nil, nil); err != nil {
		t.Error(err)
	}
	p.terminate(t)
}

// What the program keeps is nobody else's to read.
func TestModes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := launch(t, data)
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(data, "key-secret")); err != nil || info.Mode() != 0o600 {
		t.Errorf("key-secret: %v, %v", info, err)
	}
	files := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %s", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
	p.terminate(t)
}

// Two programs can't use one folder.
func TestTwice(t *testing.T) {
	data := t.TempDir()
	p := launch(t, data)
	out, err := command(t.Context(), nil, []string{"PDS_PORT=0", "PDS_DATA_DIRECTORY=" + data}).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "open already") {
		t.Errorf("a second program ends with %v:\n%s", err, out)
	}
	if _, err := signUp(t.Context(), p.url, "alice"); err != nil {
		t.Error(err)
	}
	p.terminate(t)
}
