package proxy

import (
	"io"
	"strings"
	"sync"
	"testing"
)

// What a patch asks at once is counted and given back in full.
func TestShareAtOnce(t *testing.T) {
	var b budget
	s := b.share()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if _, err := io.Copy(io.Discard, s.reader(strings.NewReader("answer"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.release()
	if held := b.held.Load(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}
