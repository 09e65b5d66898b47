package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// BenchmarkStart starts the program, built as its users build it, on a folder that has been used before, and waits until
// it says that it is healthy. It reports the memory that the program then has, and the size of the program itself.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	binary := filepath.Join(dir, "standalone")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	p := launch(b, filepath.Join(dir, "data"))
	if _, err := signUp(b.Context(), p.url, "alice"); err != nil {
		b.Fatal(err)
	}
	p.terminate(b)
	port := freePort(b)
	var resident float64
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), binary, "-port", port, "-data", filepath.Join(dir, "data"))
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for !healthy("http://localhost:" + port) {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		resident += residentMB(b, cmd.Process.Pid)
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(resident/float64(b.N), "resident-MB")
	b.ReportMetric(float64(info.Size())/1e6, "program-MB")
}

func healthy(url string) bool {
	res, err := http.Get(url + "/xrpc/_health")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

func residentMB(t testing.TB, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Skip("the memory of a process is read in the manner of Linux:", err)
	}
	m := residentLine.FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmRSS in\n%s", status)
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return float64(kB) / 1000
}
