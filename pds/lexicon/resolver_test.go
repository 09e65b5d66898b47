package lexicon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/lexicon"
)

const thing = `{"main": {"type": "record", "key": "any", "record": {"type": "object", "required": ["name"], "properties": {
	"name": {"type": "string"},
	"part": {"type": "ref", "ref": "com.example.part#part"},
	"author": {"type": "ref", "ref": "com.atproto.repo.strongRef"}
}}}}`

const part = `{"part": {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}}`

// TestNetwork: a lexicon is found, with what it refers to, when a client asks for validation, and forgotten in time.
func TestNetwork(t *testing.T) {
	n := newNetwork(t)
	n.publish(t, "com.example.thing", "com.example.thing", thing)
	n.publish(t, "com.example.part", "com.example.part", part)
	catalog := newCatalog(t, lexicon.Config{Resolver: n.resolver(t)})
	yes := true
	check := func(record string, validate *bool, want lexicon.Status) {
		t.Helper()
		got, err := catalog.CheckRecord(t.Context(), "com.example.thing", "self", data(t, record), validate)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", record, got, err, want)
		}
	}
	const good = `{"$type":"com.example.thing","name":"a","part":{"number":1}}`
	check(good, nil, lexicon.Unknown)
	if n.requests.Load() != 0 {
		t.Error("the network was asked although no client asked for validation")
	}
	check(good, &yes, lexicon.Valid)
	check(good, nil, lexicon.Valid)
	check(`{"$type":"com.example.thing","name":"a","part":{}}`, &yes, "")
	check(`{"$type":"com.example.thing"}`, nil, "")
	if got := n.requests.Load(); got != 2 {
		t.Errorf("%d requests for two lexicons", got)
	}
	n.now = n.now.Add(5 * time.Minute)
	check(good, nil, lexicon.Unknown)
	check(good, &yes, lexicon.Valid)
	if got := n.requests.Load(); got != 4 {
		t.Errorf("%d requests after the lexicons were forgotten", got)
	}
}

// TestResolved: what the resolver says of a lexicon.
func TestResolved(t *testing.T) {
	n := newNetwork(t)
	n.publish(t, "com.example.thing", "com.example.thing", thing)
	got, err := n.resolver(t).Resolve(t.Context(), "com.example.thing")
	if err != nil {
		t.Fatal(err)
	}
	if want := "at://" + publisher.String() + "/com.atproto.lexicon.schema/com.example.thing"; got.URI.String() != want {
		t.Errorf("the URI is %s", got.URI)
	}
	if got.Record["id"] != "com.example.thing" || got.CID.Prefix().Codec != 0x71 {
		t.Errorf("got %+v", got)
	}
}

// TestNotResolved: whatever keeps a lexicon from being found, and that it is remembered, but not for long.
func TestNotResolved(t *testing.T) {
	answer := func(status int, body string) func(*network) {
		return func(n *network) { n.answer = func(*http.Request) (int, []byte) { return status, []byte(body) } }
	}
	for _, c := range []struct {
		name   string
		change func(*network)
		want   error
	}{
		{"no name", func(n *network) { n.txt = nil }, lexicon.ErrNotFound},
		{"the name above", func(n *network) { n.txt = map[string][]string{"_lexicon.com": {"did=" + publisher.String()}} },
			lexicon.ErrNotFound},
		{"no authority", func(n *network) { n.txt["_lexicon.example.com"] = []string{"something"} }, lexicon.ErrNotFound},
		{"no DID", func(n *network) { n.txt["_lexicon.example.com"] = []string{"did=alice"} }, lexicon.ErrResolution},
		{"two authorities", func(n *network) {
			n.txt["_lexicon.example.com"] = []string{"did=did:plc:a", "did=" + publisher.String()}
		}, lexicon.ErrResolution},
		{"an unknown DID", func(n *network) { n.txt["_lexicon.example.com"] = []string{"did=did:plc:a"} }, lexicon.ErrNotFound},
		{"no server", func(n *network) { n.identity.Services = nil }, lexicon.ErrNotFound},
		{"no key", func(n *network) { n.identity.Keys = nil }, lexicon.ErrResolution},
		{"another key", func(n *network) {
			n.identity.Keys = newNetwork(t).identity.Keys
		}, lexicon.ErrResolution},
		{"no record", answer(400, `{"error":"RecordNotFound"}`), lexicon.ErrNotFound},
		{"another refusal", answer(400, `{"error":"InvalidRequest"}`), lexicon.ErrResolution},
		{"trouble", answer(500, ``), lexicon.ErrResolution},
		{"nonsense", answer(200, `nonsense`), lexicon.ErrResolution},
		{"nothing", answer(200, ``), lexicon.ErrResolution},
		{"too much", func(n *network) {
			n.answer = func(*http.Request) (int, []byte) { return 200, bytes.Repeat([]byte{1}, 1<<20+1) }
		}, lexicon.ErrResolution},
		{"another lexicon", func(n *network) { n.publish(t, "com.example.thing", "com.example.other", thing) },
			lexicon.ErrResolution},
		{"a record of another type", func(n *network) {
			n.put(t, "com.example.thing", `{"$type":"com.example.thing","lexicon":1,"id":"com.example.thing","defs":`+thing+`}`)
		}, lexicon.ErrResolution},
		{"another repo with the same key", func(n *network) {
			const other = syntax.DID("did:plc:44ybard66vv44zksje25o7dz")
			n.identity.DID = other
			n.txt["_lexicon.example.com"] = []string{"did=" + other.String()}
			n.answer = func(r *http.Request) (int, []byte) {
				var car bytes.Buffer
				if err := n.engine.RecordProof(r.Context(), publisher, "com.atproto.lexicon.schema/com.example.thing", &car); err != nil {
					t.Error(err)
				}
				return 200, car.Bytes()
			}
		}, lexicon.ErrResolution},
		{"a lexicon that isn't one", func(n *network) {
			n.publish(t, "com.example.thing", "com.example.thing", `{"main":{"type":"something"}}`)
		}, lexicon.ErrResolution},
	} {
		n := newNetwork(t)
		n.publish(t, "com.example.thing", "com.example.thing", thing)
		c.change(n)
		r := n.resolver(t)
		if _, err := r.Resolve(t.Context(), "com.example.thing"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		n.repair(t)
		n.publish(t, "com.example.thing", "com.example.thing", thing)
		if _, err := r.Resolve(t.Context(), "com.example.thing"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v at the second time, want %v", c.name, err, c.want)
		}
		n.now = n.now.Add(time.Minute)
		if _, err := r.Resolve(t.Context(), "com.example.thing"); err != nil {
			t.Errorf("%s: %v when it has been put right", c.name, err)
		}
	}
}

// TestAbsence: a proof that there is no record, in trees of all sizes.
func TestAbsence(t *testing.T) {
	n := newNetwork(t)
	for i := range 50 {
		if _, err := n.resolver(t).Resolve(t.Context(), "com.example.thing"); !errors.Is(err, lexicon.ErrNotFound) {
			t.Fatalf("with %d records: %v", i, err)
		}
		id := fmt.Sprintf("com.example.thing%d", i)
		n.publish(t, id, id, part)
		if _, err := n.resolver(t).Resolve(t.Context(), syntax.NSID(id)); err != nil {
			t.Fatalf("with %d records: %v", i+1, err)
		}
	}
}

// TestTampering: no change to a proof, of whatever byte, makes another lexicon of it.
func TestTampering(t *testing.T) {
	n := newNetwork(t)
	for i := range 20 {
		id := fmt.Sprintf("com.example.thing%d", i)
		n.publish(t, id, id, part)
	}
	n.publish(t, "com.example.thing", "com.example.thing", thing)
	want, err := n.resolver(t).Resolve(t.Context(), "com.example.thing")
	if err != nil {
		t.Fatal(err)
	}
	var proof bytes.Buffer
	if err := n.engine.RecordProof(t.Context(), publisher, "com.atproto.lexicon.schema/com.example.thing", &proof); err != nil {
		t.Fatal(err)
	}
	for i := range proof.Len() {
		changed := bytes.Clone(proof.Bytes())
		changed[i] ^= 1
		n.answer = func(*http.Request) (int, []byte) { return 200, changed }
		got, err := n.resolver(t).Resolve(t.Context(), "com.example.thing")
		if err == nil && got.CID != want.CID {
			t.Errorf("byte %d: %+v", i, got)
		}
		cut := proof.Bytes()[:i]
		n.answer = func(*http.Request) (int, []byte) { return 200, cut }
		if _, err := n.resolver(t).Resolve(t.Context(), "com.example.thing"); err == nil {
			t.Errorf("the first %d bytes are enough", i)
		}
	}
}

// TestAuthority: with an authority of its own, DNS isn't asked.
func TestAuthority(t *testing.T) {
	n := newNetwork(t)
	n.publish(t, "org.example.thing", "org.example.thing", thing)
	r := n.resolver(t, func(c *lexicon.ResolverConfig) { c.Authority = publisher })
	if _, err := r.Resolve(t.Context(), "org.example.thing"); err != nil || n.lookups.Load() != 0 {
		t.Errorf("%v, %d lookups", err, n.lookups.Load())
	}
}

// TestShared: callers at the same time share one resolution, and one who leaves doesn't end it.
func TestShared(t *testing.T) {
	n := newNetwork(t)
	n.publish(t, "com.example.thing", "com.example.thing", thing)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := n.resolver(t, func(c *lexicon.ResolverConfig) {
			c.LookupTXT = func(ctx context.Context, name string) ([]string, error) {
				<-release
				return n.lookupTXT(ctx, name)
			}
		})
		leaving, leave := context.WithCancel(t.Context())
		errs := make([]error, 5)
		var group sync.WaitGroup
		for i := range errs {
			ctx := t.Context()
			if i == 0 {
				ctx = leaving
			}
			group.Go(func() { _, errs[i] = r.Resolve(ctx, "com.example.thing") })
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		close(release)
		group.Wait()
		for i, err := range errs {
			if want := i == 0; errors.Is(err, context.Canceled) != want || !want && err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		}
	})
	if got := n.requests.Load(); got != 1 {
		t.Errorf("%d requests", got)
	}
}

// TestTimeout: a server that doesn't answer keeps nobody for long.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		r := n.resolver(t, func(c *lexicon.ResolverConfig) {
			c.Timeout = time.Second
			c.LookupTXT = func(ctx context.Context, _ string) ([]string, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		before := time.Now()
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				_, err := r.Resolve(t.Context(), syntax.NSID(fmt.Sprintf("com.example.thing%d", i)))
				if !errors.Is(err, lexicon.ErrResolution) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		group.Wait()
		if took := time.Since(before); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestCacheSize: the least recently used lexicon is forgotten.
func TestCacheSize(t *testing.T) {
	n := newNetwork(t)
	r := n.resolver(t, func(c *lexicon.ResolverConfig) { c.CacheSize = 2 })
	for i, id := range []syntax.NSID{"com.example.a", "com.example.b", "com.example.a", "com.example.c", "com.example.a", "com.example.b"} {
		_, err := r.Resolve(t.Context(), id)
		if want := []int32{1, 2, 2, 3, 3, 4}[i]; !errors.Is(err, lexicon.ErrNotFound) || n.requests.Load() != want {
			t.Errorf("%d: %v, %d requests, want %d", i, err, n.requests.Load(), want)
		}
	}
	if _, err := r.Resolve(t.Context(), "nonsense"); !errors.Is(err, lexicon.ErrNotFound) || n.requests.Load() != 4 {
		t.Errorf("nonsense: %v", err)
	}
}

// TestManyReferences: a lexicon that leads to many others leads to no more than 32 requests.
func TestManyReferences(t *testing.T) {
	n := newNetwork(t)
	for i := range 50 {
		id := fmt.Sprintf("com.example.thing%d", i)
		n.publish(t, id, id, fmt.Sprintf(`{"main": {"type": "object", "properties": {
			"next": {"type": "ref", "ref": "com.example.thing%d"},
			"self": {"type": "ref", "ref": "#main"},
			"none": {"type": "ref", "ref": "nonsense"}
		}}}`, i+1))
	}
	catalog := newCatalog(t, lexicon.Config{Resolver: n.resolver(t)})
	if err := catalog.Fetch(t.Context(), "com.example.thing0"); err != nil || n.requests.Load() > 32 {
		t.Errorf("%v, %d requests", err, n.requests.Load())
	}
}

// TestSlowReferences: a lexicon that leads to others that can't be had keeps nobody for long.
func TestSlowReferences(t *testing.T) {
	n := newNetwork(t)
	refs := make([]string, 20)
	for i := range refs {
		refs[i] = fmt.Sprintf(`"org.example.thing%d"`, i)
	}
	n.publish(t, "com.example.thing", "com.example.thing", `{"main": {"type": "object", "properties": {
		"any": {"type": "union", "refs": [`+strings.Join(refs, ",")+`]}}}}`)
	synctest.Test(t, func(t *testing.T) {
		catalog := newCatalog(t, lexicon.Config{Resolver: n.resolver(t, func(c *lexicon.ResolverConfig) {
			c.Timeout = time.Second
			c.LookupTXT = func(ctx context.Context, name string) ([]string, error) {
				if name == "_lexicon.example.org" {
					<-ctx.Done()
				}
				return n.lookupTXT(ctx, name)
			}
		})})
		before := time.Now()
		if err := catalog.Fetch(t.Context(), "com.example.thing"); err != nil {
			t.Error(err)
		}
		if took := time.Since(before); took != 2*time.Second {
			t.Errorf("it took %s", took)
		}
		time.Sleep(2 * time.Second) // what is under way ends
	})
}

// TestCacheWeight: large lexicons don't fill the memory: of many, the last few are remembered.
func TestCacheWeight(t *testing.T) {
	n := newNetwork(t)
	large := `{"main": {"type": "token", "description": "` + strings.Repeat("x", 900_000) + `"}}`
	r := n.resolver(t)
	for i := range 10 {
		id := syntax.NSID(fmt.Sprintf("com.example.thing%c", 'a'+i))
		n.publish(t, id.String(), id.String(), large)
		if _, err := r.Resolve(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	before := n.requests.Load()
	for _, id := range []syntax.NSID{"com.example.thingj", "com.example.thinga"} {
		if _, err := r.Resolve(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.requests.Load() - before; got != 1 {
		t.Errorf("%d requests for the last and the first of ten lexicons, want one", got)
	}
}
