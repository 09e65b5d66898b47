package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asProgram is the variable that makes the test binary be the program, with the program's arguments.
const asProgram = "STANDALONE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // upstream's verification tells it of every first commit
	os.Exit(m.Run())
}

// patience is for how long a test waits for what should happen at once.
const patience = time.Minute

// process is the program, running.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	url            string        // where it serves
	ended          chan struct{} // closed when it has ended
}

// command prepares to run the program with just the given variables, NAME=VALUE.
func command(ctx context.Context, args, env []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(env, asProgram+"=1", "PATH="+os.Getenv("PATH"), "TMPDIR="+os.TempDir())
	return cmd
}

var urlLine = regexp.MustCompile(`(?m)^PDS: (http\S+)\n`)

// launch starts the program on a data folder and free ports, and waits until it serves. It is killed with the test.
func launch(t testing.TB, data string, env ...string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{})}
	p.cmd = command(t.Context(), nil, append(env, "PDS_PORT=0", "PDS_DATA_DIRECTORY="+data))
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // what came of it, ProcessState tells
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	p.url = p.await(t, &p.stdout, urlLine)[1]
	return p
}

// await waits until the program has printed what matches, and returns the submatches.
func (p *process) await(t testing.TB, o *output, want *regexp.Regexp) []string {
	t.Helper()
	timeout := time.After(patience)
	for {
		more := o.changed()
		if m := want.FindStringSubmatch(o.String()); m != nil {
			return m
		}
		select {
		case <-more:
		case <-p.ended:
			t.Fatalf("the program ended: %s\n%s%s", p.cmd.ProcessState, &p.stdout, &p.stderr)
		case <-timeout:
			t.Fatalf("no %q in\n%s%s", want, &p.stdout, &p.stderr)
		}
	}
}

// kill ends the program in the way of a crash, and waits until it's gone.
func (p *process) kill() {
	p.cmd.Process.Kill() // it may have ended on its own
	<-p.ended
}

// terminate ends the program in the way of an operator.
func (p *process) terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t, 0)
}

func (p *process) wantExit(t testing.TB, code int) {
	t.Helper()
	select {
	case <-p.ended:
		if got := p.cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("the program ended: %s, want code %d\n%s", p.cmd.ProcessState, code, &p.stderr)
		}
	case <-time.After(patience):
		t.Fatal("the program doesn't end")
	}
}

// output collects what a program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
	return o.text.Write(b)
}

func (o *output) changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more == nil {
		o.more = make(chan struct{})
	}
	return o.more
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// session is a client of somebody who has an account.
type session struct {
	url, did        string
	access, refresh string
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// signUp makes the account name.test.
func signUp(ctx context.Context, url, name string) (*session, error) {
	s := &session{url: url}
	var out tokens
	err := s.post(ctx, "com.atproto.server.createAccount",
		map[string]string{"handle": name + ".test", "email": name + "@example.com", "password": name + "-password"}, &out)
	s.did, s.access, s.refresh = out.DID, out.AccessJWT, out.RefreshJWT
	return s, err
}

// logIn begins a session of an account that signUp has made.
func logIn(ctx context.Context, url, name string) (*session, error) {
	s := &session{url: url}
	var out tokens
	err := s.post(ctx, "com.atproto.server.createSession",
		map[string]string{"identifier": name + ".test", "password": name + "-password"}, &out)
	s.did, s.access, s.refresh = out.DID, out.AccessJWT, out.RefreshJWT
	return s, err
}

type tokens struct{ DID, AccessJWT, RefreshJWT string }

func (s *session) get(ctx context.Context, method string, out any) error {
	return s.do(ctx, http.MethodGet, method, "", nil, out)
}

func (s *session) post(ctx context.Context, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.do(ctx, http.MethodPost, method, "application/json", bytes.NewReader(body), out)
}

// do sends a request. An answer other than 200 is a *refusal; any other error says that there was no whole answer.
func (s *session) do(ctx context.Context, verb, method, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, verb, s.url+"/xrpc/"+method, body)
	if err != nil {
		return err
	}
	if s.access != "" {
		req.Header.Set("Authorization", "Bearer "+s.access)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return &refusal{res.StatusCode, strings.TrimSpace(string(answer))}
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}
