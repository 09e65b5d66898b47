package identity

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

var (
	errGone = errors.New("gone")
	errDown = errors.New("down")
)

func testCache(size int, resolve func(context.Context, syntax.DID) (string, error)) *cache[syntax.DID, string] {
	return newCache(DirectoryConfig{CacheSize: size}, resolve, func(err error) bool { return errors.Is(err, errGone) })
}

func TestCacheAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value, failure := "one", error(nil)
		c := testCache(10, func(context.Context, syntax.DID) (string, error) { return value, failure })
		want := func(age time.Duration, want string, wantErr error) {
			t.Helper()
			if got, err := c.get(t.Context(), "k"); err != nil && wantErr == nil || got != want && err == nil ||
				!errors.Is(err, wantErr) {
				t.Errorf("after %v: %q, %v, want %q, %v", age, got, err, want, wantErr)
			}
		}
		want(0, "one", nil)
		value = "two"
		time.Sleep(time.Hour - 1)
		want(time.Hour-1, "one", nil)
		time.Sleep(time.Nanosecond)
		want(time.Hour, "two", nil)

		failure = errDown
		time.Sleep(24*time.Hour - 1)
		want(24*time.Hour-1, "two", nil)
		time.Sleep(time.Nanosecond)
		want(24*time.Hour, "", errDown)

		failure = nil
		want(24*time.Hour, "two", nil)
		time.Sleep(time.Hour)
		failure = errGone
		want(time.Hour, "", errGone)
		failure = errDown
		want(time.Hour, "", errDown) // what was gone isn't remembered
	})
}

func TestCacheIsBounded(t *testing.T) {
	asked := map[syntax.DID]int{}
	c := testCache(3, func(_ context.Context, k syntax.DID) (string, error) {
		asked[k]++
		return string(k), nil
	})
	for i := range 100 {
		for _, k := range []syntax.DID{"often", syntax.DID(fmt.Sprint(i))} {
			if v, err := c.get(t.Context(), k); v != string(k) || err != nil {
				t.Fatal(v, err)
			}
		}
	}
	if len(c.items) != 3 || c.used.Len() != 3 {
		t.Errorf("%d, %d remembered", len(c.items), c.used.Len())
	}
	if asked["often"] != 1 {
		t.Errorf("what is used often was asked for %d times", asked["often"])
	}
}

// Whoever makes the server resolve many large documents doesn't fill its memory with them.
func TestCacheIsBoundedInBytes(t *testing.T) {
	c := testCache(100, func(_ context.Context, k syntax.DID) (string, error) { return string(k), nil })
	c.weigh = func(string) int { return maxWeight / 4 }
	for round := range 2 {
		for i := range 10 {
			if _, err := c.refresh(t.Context(), syntax.DID(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if len(c.items) != 4 || c.used.Len() != 4 || c.total != maxWeight {
			t.Errorf("round %d: %d items of %d bytes are remembered", round, len(c.items), c.total)
		}
	}
	c.remove("9")
	if c.total != maxWeight/4*3 {
		t.Errorf("%d bytes after one was removed", c.total)
	}
	c.weigh = func(string) int { return maxWeight + 1 }
	if v, err := c.get(t.Context(), "large"); v != "large" || err != nil || len(c.items) != 0 || c.total != 0 {
		t.Errorf("a value that is too large: %q, %v; %d items of %d bytes", v, err, len(c.items), c.total)
	}
}

func TestCacheShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		release := make(chan struct{})
		c := testCache(10, func(ctx context.Context, _ syntax.DID) (string, error) {
			calls++
			<-release
			return "v", ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := c.get(ctx, "k")
			left <- err
		}()
		synctest.Wait()
		results := make(chan error, 5)
		for range cap(results) {
			go func() {
				_, err := c.get(t.Context(), "k")
				results <- err
			}()
		}
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error("one who leaves takes the others along:", err)
			}
		}
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// TestCacheForgets: a resolution that began before the value changed must not be stored after that.
func TestCacheForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value := "old"
		hold := make(chan struct{})
		first := true
		c := testCache(10, func(context.Context, syntax.DID) (string, error) {
			v := value
			if first {
				first = false
				<-hold
			}
			return v, nil
		})
		slow := make(chan string)
		go func() {
			v, _ := c.get(t.Context(), "k")
			slow <- v
		}()
		synctest.Wait()
		value = "new"
		if v, err := c.refresh(t.Context(), "k"); v != "new" || err != nil {
			t.Error(v, err)
		}
		close(hold)
		<-slow
		if v, err := c.get(t.Context(), "k"); v != "new" || err != nil {
			t.Error(v, err)
		}
		value = "newer"
		c.remove("k")
		if v, err := c.get(t.Context(), "k"); v != "newer" || err != nil {
			t.Error(v, err)
		}
	})
}

// TestCacheForgetsOneByOne: what changes of one key doesn't keep what is found out of another from being remembered.
func TestCacheForgetsOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value, hold := "old", make(chan struct{}, 1)
		hold <- struct{}{}
		c := testCache(10, func(context.Context, syntax.DID) (string, error) {
			<-hold
			return value, nil
		})
		if v, err := c.get(t.Context(), "k"); v != "old" || err != nil {
			t.Fatal(v, err)
		}
		value = "new"
		refreshed := make(chan string)
		go func() {
			v, _ := c.refresh(t.Context(), "k")
			refreshed <- v
		}()
		synctest.Wait()
		c.remove("another")
		close(hold)
		if v := <-refreshed; v != "new" {
			t.Errorf("refreshed: %s", v)
		}
		if v, err := c.get(t.Context(), "k"); v != "new" || err != nil {
			t.Errorf("remembered: %s, %v", v, err)
		}
		if len(c.latest) != 0 {
			t.Errorf("%d resolutions are under way", len(c.latest))
		}
	})
}
