package firehose

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pdskit/pdskit/storage"
)

const (
	crawlEvery    = 20 * time.Minute // at most
	crawlRetry    = 30 * time.Second // at first, and then twice as long each time
	crawlRetryMax = 30 * time.Minute
	crawlTimeout  = 30 * time.Second
)

// Crawlers asks relays to crawl the server: when it starts, and again when there is news after 20 minutes. A relay that
// has lost its connection comes back so.
type Crawlers struct {
	// Required.

	Events   storage.Events
	Relays   []string // their URLs, such as "https://bsky.network"
	Hostname string   // the server's

	// HTTP makes the requests. The relays are the operator's choice, so it needn't be guarded. If nil,
	// http.DefaultClient.
	HTTP *http.Client

	// Logger is told of relays that refuse or don't answer. If nil, slog.Default().
	Logger *slog.Logger
}

// Run asks until ctx ends.
func (c *Crawlers) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, relay := range c.Relays {
		wg.Go(func() { c.keepAsking(ctx, relay) })
	}
	wg.Wait()
}

func (c *Crawlers) keepAsking(ctx context.Context, relay string) {
	wait := crawlRetry
	for ctx.Err() == nil {
		seq, err := c.Events.LastSeq(ctx)
		if err == nil {
			err = c.ask(ctx, relay)
		}
		if err != nil {
			c.logger().WarnContext(ctx, "firehose: a relay wasn't asked to crawl", "relay", relay, "err", err, "again in", wait)
			sleep(ctx, wait)
			wait = min(2*wait, crawlRetryMax)
			continue
		}
		wait = crawlRetry
		sleep(ctx, crawlEvery)
		if err := c.Events.WaitEvents(ctx, seq); err != nil {
			sleep(ctx, crawlRetry) // until ctx ends, or storage has recovered
		}
	}
}

// ask calls com.atproto.sync.requestCrawl.
func (c *Crawlers) ask(ctx context.Context, relay string) error {
	ctx, cancel := context.WithTimeout(ctx, crawlTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"hostname": c.Hostname})
	if err != nil {
		return err
	}
	url := strings.TrimSuffix(relay, "/") + "/xrpc/com.atproto.sync.requestCrawl"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 200))
		return fmt.Errorf("firehose: %s: %s", res.Status, answer)
	}
	return nil
}

func (c *Crawlers) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
