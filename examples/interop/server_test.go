package interop

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running examples/standalone.
type server struct {
	pds, plc  string // URLs
	jwtSecret string
}

// build builds examples/standalone, and returns the program's name.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "standalone")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../standalone")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// start starts a server, which the end of the test stops. It is configured as one of the reference PDS would be, and by more
// variables, NAME=VALUE.
func start(t *testing.T, binary string, env ...string) server {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	s := server{pds: "http://localhost:" + port, jwtSecret: secret()}
	out := &output{plc: make(chan string, 1)}
	cmd := exec.Command(binary)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(without(os.Environ(), "PDS_"),
		"PDS_HOSTNAME=localhost",
		"PDS_PORT="+port,
		"PDS_DATA_DIRECTORY="+filepath.Join(dir, "data"),
		"PDS_BLOBSTORE_DISK_LOCATION="+filepath.Join(dir, "blobs"),
		"PDS_JWT_SECRET="+s.jwtSecret,
		"PDS_ADMIN_PASSWORD="+secret(),
		"PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX="+secret(),
		"PDS_DEV_MODE=true",
		"PDS_SERVICE_HANDLE_DOMAINS=.test",
		"PDS_INVITE_REQUIRED=false",
	)
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stop(t, cmd.Process, ended, out) })

	select {
	case s.plc = <-out.plc:
	case err := <-ended:
		ended <- err
		t.Fatalf("the server ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the server has not told the URL of its PLC directory for a minute")
	}
	res, err := http.Get(s.pds + "/xrpc/_health")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("health: %s", res.Status)
	}
	return s
}

// stop ends the server in the way of an operator, which it has to do in order.
func stop(t *testing.T, p *os.Process, ended <-chan error, out *output) {
	p.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended: %v", err)
		}
	case <-time.After(time.Minute):
		p.Kill()
		<-ended
		t.Error("the server has not ended within a minute of SIGTERM")
	}
	if t.Failed() {
		t.Logf("the server's output:\n%s", out)
	}
}

// output collects what the server prints, and finds the URL of its PLC directory.
type output struct {
	plc chan string

	mu    sync.Mutex
	buf   bytes.Buffer
	found bool
}

var plcLine = regexp.MustCompile(`(?m)^PLC directory: (http\S+)\n`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	if m := plcLine.FindSubmatch(o.buf.Bytes()); m != nil && !o.found {
		o.found = true
		o.plc <- string(m[1])
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// freePort returns a port that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// secret returns 32 random bytes in hexadecimal, which are a private key, too.
func secret() string {
	key := make([]byte, 32)
	rand.Read(key)
	key[0] &= 0x7f // below the order of the group
	return hex.EncodeToString(key)
}

// without returns the variables of an environment whose names don't begin with prefix.
func without(env []string, prefix string) (rest []string) {
	for _, v := range env {
		if !strings.HasPrefix(v, prefix) {
			rest = append(rest, v)
		}
	}
	return rest
}
