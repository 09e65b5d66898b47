package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

// Events arrive at once, in order, those that were there before the sender too, and after a stop it goes on where it was.
func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		appendEvents(t, r.log, "did:web:a.example", 250)
		stop := r.run(t)
		synctest.Wait()
		consecutive(t, r.receiver.events(), 1, 250)
		appendEvents(t, r.log, "did:web:b.example", 3)
		synctest.Wait()
		consecutive(t, r.receiver.events(), 251, 253)
		stop()
		appendEvents(t, r.log, "did:web:a.example", 3)
		stop = r.run(t)
		synctest.Wait()
		stop()
		consecutive(t, r.receiver.events(), 254, 256)
	})
}

// A new endpoint that doesn't want what was before gets what happens from the first run on, even if that run got nowhere.
func TestFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Endpoints[0].FromOldest = false
		appendEvents(t, r.log, "did:web:a.example", 5)
		stop := r.run(t)
		synctest.Wait()
		stop()
		appendEvents(t, r.log, "did:web:a.example", 5)
		stop = r.run(t)
		synctest.Wait()
		stop()
		consecutive(t, r.receiver.events(), 6, 10)
	})
}

// A receiver that is down for three days gets everything afterwards, in order per account, and is asked no more often than
// every two and a half minutes after a while, always for the same message.
func TestReceiverDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.receiver.setAnswer(down)
		stop := r.run(t)
		defer stop()
		const rounds = 72
		for i := range rounds {
			appendEvents(t, r.log, syntax.DID(fmt.Sprintf("did:web:%d.example", i%7)), 10)
			time.Sleep(time.Hour)
		}
		if got := r.receiver.events(); got != nil {
			t.Fatalf("it accepted %d events", len(got))
		}
		for i, at := range r.receiver.times[1:] {
			pause := at.Sub(r.receiver.times[i])
			if pause > maxPause || pause < minPause/2 || i > 20 && pause < maxPause/2 {
				t.Fatalf("pause %d was %s", i, pause)
			}
			if r.receiver.ids[i] != r.receiver.ids[0] {
				t.Fatal("the message got another ID")
			}
		}
		r.receiver.setAnswer(nil)
		time.Sleep(maxPause)
		synctest.Wait()
		consecutive(t, r.receiver.events(), 1, 10*rounds)
	})
}

// An endpoint that is down delays no other.
func TestEndpointsAreIndependent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.receiver.setAnswer(down)
		other := &receiver{t: t}
		r.config.Endpoints = append(r.config.Endpoints, r.config.Endpoints[0])
		r.config.Endpoints[1].Name, r.config.Endpoints[1].URL = "b", "https://b.example/"
		r.config.HTTP = &http.Client{Transport: byHost{"a.example": r.receiver, "b.example": other}}
		stop := r.run(t)
		defer stop()
		appendEvents(t, r.log, "did:web:a.example", 10)
		synctest.Wait()
		consecutive(t, other.events(), 1, 10)
	})
}

type byHost map[string]http.RoundTripper

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) { return b[r.URL.Host].RoundTrip(r) }

// An endpoint that says when to come back is left alone until then, for an hour at most; redirects and other refusals are
// none of its acceptances.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status   int
		header   string
		min, max time.Duration
	}{
		{429, "120", 2 * time.Minute, 2 * time.Minute},
		{503, time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC).Format(http.TimeFormat), 10 * time.Minute, 10 * time.Minute},
		{503, "999999999", time.Hour, time.Hour},
		{503, "-5", minPause / 2, minPause},
		{500, "soon", minPause / 2, minPause},
		{500, "", minPause / 2, minPause},
		{302, "", minPause / 2, minPause},
		{404, "", minPause / 2, minPause},
		{410, "", minPause / 2, minPause},
	} {
		synctest.Test(t, func(t *testing.T) { // begins in 2000
			r := newRig(t)
			r.receiver.setAnswer(func(Message) (*http.Response, error) {
				res := status(c.status)
				res.Header.Set("Location", "https://elsewhere.example/")
				if c.header != "" {
					res.Header.Set("Retry-After", c.header)
				}
				return res, nil
			})
			stop := r.run(t)
			defer stop()
			appendEvents(t, r.log, "did:web:a.example", 1)
			synctest.Wait()
			r.receiver.setAnswer(nil)
			time.Sleep(2 * time.Hour)
			consecutive(t, r.receiver.events(), 1, 1)
			if n := r.receiver.requests(); n != 2 {
				t.Fatalf("%d %s: %d requests", c.status, c.header, n)
			}
			if pause := r.receiver.times[1].Sub(r.receiver.times[0]); pause < c.min || pause > c.max {
				t.Errorf("%d, Retry-After %q: it waited %s", c.status, c.header, pause)
			}
		})
	}
}

// A request that isn't answered is given up and made again.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		hangs := 2
		r.config.HTTP.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			if hangs--; hangs >= 0 {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return r.receiver.RoundTrip(req)
		})
		stop := r.run(t)
		defer stop()
		appendEvents(t, r.log, "did:web:a.example", 1)
		time.Sleep(2*30*time.Second + 3*time.Second)
		synctest.Wait()
		consecutive(t, r.receiver.events(), 1, 1)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The log is trimmed while a receiver is away, whether the sender runs or not, or is replaced by an older one: the receiver
// is told, and gets all that is left.
func TestGap(t *testing.T) {
	t.Run("trimmed while the sender was stopped", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			check(t, r.positions.SetPosition(t.Context(), "a", 10))
			appendEvents(t, r.log, "did:web:a.example", 50)
			trim(t, r.log, 30)
			defer r.run(t)()
			synctest.Wait()
			gapAndThen(t, r.receiver.events(), 10, 30, 50)
		})
	})
	t.Run("trimmed while the sender was running", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.config.Endpoints[0].MaxEvents = 10
			r.receiver.setAnswer(down)
			stop := r.run(t)
			defer stop()
			appendEvents(t, r.log, "did:web:a.example", 1000)
			synctest.Wait()
			trim(t, r.log, 990)
			r.receiver.setAnswer(nil)
			time.Sleep(time.Minute)
			events := r.receiver.events()
			var before int
			for events[before].Type != TypeGap {
				before++
			}
			consecutive(t, events[:before], 1, int64(before))
			gapAndThen(t, events[before:], int64(before), 990, 1000)
		})
	})
	t.Run("all of it trimmed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			check(t, r.positions.SetPosition(t.Context(), "a", 10))
			appendEvents(t, r.log, "did:web:a.example", 50)
			trim(t, r.log, 50)
			defer r.run(t)()
			synctest.Wait()
			appendEvents(t, r.log, "did:web:a.example", 1)
			synctest.Wait()
			gapAndThen(t, r.receiver.events(), 10, 50, 51)
		})
	})
	t.Run("replaced", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			check(t, r.positions.SetPosition(t.Context(), "a", 100))
			appendEvents(t, r.log, "did:web:a.example", 50)
			stop := r.run(t)
			synctest.Wait()
			gapAndThen(t, r.receiver.events(), 100, 0, 50)
			stop()
			if r.positions.seqs["a"] != 50 {
				t.Errorf("its position is %d", r.positions.seqs["a"])
			}
		})
	})
}

func gapAndThen(t testing.TB, events []Event, after, seq, last int64) {
	t.Helper()
	if len(events) == 0 || events[0].Type != TypeGap || events[0].After != after || events[0].Seq != seq {
		t.Fatalf("got %+v, want a gap after %d to %d", events, after, seq)
	}
	consecutive(t, events[1:], seq+1, last)
}

// Events that aren't for an endpoint move its position, now and then and at the end, and come in no message.
func TestSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.config.Endpoints[0].Types = []Type{TypeIdentity}
		stop := r.run(t)
		for range 300 {
			appendEvents(t, r.log, "did:web:a.example", 10)
			synctest.Wait()
		}
		if sets := r.positions.sets; sets < 3 || sets > 5 {
			t.Errorf("its position was kept %d times", sets)
		}
		stop()
		if r.receiver.requests() > 0 || r.positions.seqs["a"] != 3000 {
			t.Errorf("%d requests, position %d", r.receiver.requests(), r.positions.seqs["a"])
		}
	})
}

// As long as the position can't be read nothing is sent. As long as it can't be kept, all is, and comes again later.
func TestPositionFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fault := func(err error) {
			r.positions.mu.Lock()
			defer r.positions.mu.Unlock()
			r.positions.fault = err
		}
		fault(errors.New("fault"))
		appendEvents(t, r.log, "did:web:a.example", 10)
		stop := r.run(t)
		time.Sleep(time.Hour)
		if r.receiver.requests() > 0 {
			t.Error("it began without a position")
		}
		fault(nil)
		time.Sleep(maxPause)
		consecutive(t, r.receiver.events(), 1, 10)
		fault(errors.New("fault"))
		appendEvents(t, r.log, "did:web:a.example", 10)
		time.Sleep(time.Hour)
		consecutive(t, r.receiver.events(), 11, 20)
		stop()
		fault(nil)
		stop = r.run(t)
		synctest.Wait()
		stop()
		consecutive(t, r.receiver.events(), 11, 20)
	})
}

// A message has no more events and bytes than allowed, except for one event that has more.
func TestLimits(t *testing.T) {
	for _, c := range []struct{ events, bytes, most int }{{7, 0, 7}, {0, 1000, 10}, {0, 1, 1}, {1, 0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.config.Endpoints[0].MaxEvents, r.config.Endpoints[0].MaxBytes = c.events, c.bytes
			most := 0
			appendEvents(t, r.log, "did:web:a.example", 100)
			r.receiver.setAnswer(down)
			stop := r.run(t)
			defer stop()
			synctest.Wait()
			r.receiver.setAnswer(func(m Message) (*http.Response, error) {
				most = max(most, len(m.Events))
				return nil, nil
			})
			time.Sleep(time.Minute)
			synctest.Wait()
			consecutive(t, r.receiver.events(), 1, 100)
			if most > c.most || most < c.most*3/4 {
				t.Errorf("%+v: a message had %d events", c, most)
			}
		})
	}
}

// Neither the secret nor the URL, which may have one in it, gets into the log.
func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newRig(t)
		r.config.Logger = slog.New(slog.NewTextHandler(&out, nil))
		r.config.Endpoints[0].URL = "https://a.example/token-in-the-url"
		r.receiver.setAnswer(down)
		stop := r.run(t)
		appendEvents(t, r.log, "did:web:a.example", 1)
		time.Sleep(time.Minute)
		stop()
		if s := out.String(); !strings.Contains(s, "down") || strings.Contains(s, "token-in-the-url") || strings.Contains(s, secret[6:]) {
			t.Error(s)
		}
	})
}

func TestNew(t *testing.T) {
	good := newRig(t).config
	for want, change := range map[string]func(*Config){
		"required":       func(c *Config) { c.Positions = nil },
		"letters":        func(c *Config) { c.Endpoints[0].Name = "../a" },
		"URL":            func(c *Config) { c.Endpoints[0].URL = "ftp://a.example/token" },
		"no secret":      func(c *Config) { c.Endpoints[0].Secrets = nil },
		"whsec_":         func(c *Config) { c.Endpoints[0].Secrets = []string{"whsec_c2VjcmV0"} },
		"type of events": func(c *Config) { c.Endpoints[0].Types = []Type{TypeGap} },
		"namespace":      func(c *Config) { c.Endpoints[0].Collections = []string{"com.example*"} },
		"only one":       func(c *Config) { c.Endpoints = append(c.Endpoints, c.Endpoints[0]) },
	} {
		c := good
		c.Endpoints = []Endpoint{good.Endpoints[0]}
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err := New(Config{Endpoints: []Endpoint{{}, {Name: "b"}}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("all that is wrong: %v", err)
	}
}
