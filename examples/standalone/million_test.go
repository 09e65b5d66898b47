package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// BenchmarkMillion writes a repo of a million records through applyWrites, exports it and imports it again, and reports the
// most memory that the program has used in each of its three lives. It takes minutes, so it runs only when asked for:
//
//	MILLION=1 go test -run '^$' -bench Million -benchtime 1x -timeout 1h ./examples/standalone
func BenchmarkMillion(b *testing.B) {
	if os.Getenv("MILLION") == "" {
		b.Skip("set MILLION=1 to run this: it takes minutes")
	}
	if runtime.GOOS != "linux" {
		b.Skip("the memory of a process is read in the manner of Linux")
	}
	const records, perBatch = 1_000_000, 200
	data := b.TempDir()
	car := filepath.Join(data, "repo.car")
	for range b.N {
		life := func(name string, use func(s *session)) {
			p := launch(b, data)
			s, err := logIn(b.Context(), p.url, "alice")
			if err != nil {
				s, err = signUp(b.Context(), p.url, "alice")
			}
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			use(s)
			seconds := time.Since(start).Seconds()
			b.ReportMetric(records/seconds, name+"-records/s")
			b.ReportMetric(p.peakMemory(b), name+"-peak-MB")
			p.terminate(b)
		}
		life("write", func(s *session) {
			for i := 0; i < records; i += perBatch {
				writes := make([]any, perBatch)
				for j := range writes {
					writes[j] = map[string]any{
						"$type": "com.atproto.repo.applyWrites#create", "collection": "app.bsky.feed.like",
						"value": map[string]any{"n": i + j, "createdAt": "2026-01-01T00:00:00.000Z", "subject": map[string]any{
							"uri": fmt.Sprintf("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/%d", i+j),
							"cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"}},
					}
				}
				if err := s.post(b.Context(), "com.atproto.repo.applyWrites", map[string]any{"repo": s.did, "writes": writes}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		life("export", func(s *session) { s.export(b, car) })
		life("import", func(s *session) { s.importFile(b, car) })
		again := filepath.Join(data, "again.car")
		life("again", func(s *session) { s.export(b, again) })
		compareBodies(b, car, again)
	}
}

func (s *session) export(b *testing.B, path string) {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	res, err := http.Get(s.url + "/xrpc/com.atproto.sync.getRepo?did=" + s.did)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(f, res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Fatal(res.Status, err)
	}
}

func (s *session) importFile(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+"/xrpc/com.atproto.repo.importRepo", f)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.access)
	req.Header.Set("Content-Type", "application/vnd.ipld.car")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		b.Fatal(res.Status, string(body))
	}
}

// compareBodies holds two exports against each other. They begin with different commits, of one size, and are the same
// after these.
func compareBodies(b *testing.B, paths ...string) {
	var rest [2][]byte
	for i, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		rest[i] = raw[1024:]
	}
	if !bytes.Equal(rest[0], rest[1]) {
		b.Error("what was exported, imported and exported again is not the same")
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory is the most that the program has had in memory so far, in MB.
func (p *process) peakMemory(t testing.TB) float64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	kB, err := strconv.Atoi(string(peakLine.FindSubmatch(raw)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return float64(kB) / 1000
}
