package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/pds/webhook"
	"github.com/pdskit/pdskit/storage/memory"
)

// A server tells another program of its accounts. With a pds.Server, Events is its store.
func Example() {
	secret := webhook.NewSecret() // once; both sides keep it
	ctx, cancel := context.WithCancel(context.Background())

	// The receiver. It keeps last in the same write as what it makes of the events.
	var last int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			return
		}
		if err := webhook.Verify(r.Header, body, time.Now(), secret); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		var message webhook.Message
		if err := json.Unmarshal(body, &message); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, e := range message.Events {
			if e.Seq <= last && e.Type != webhook.TypeGap {
				continue // it came before, but our answer was lost
			}
			last = e.Seq
			fmt.Println(e.Seq, e.DID, e.Type, e.Handle)
			if e.Seq == 2 {
				cancel() // a program would go on
			}
		}
	}))
	defer receiver.Close()

	// The sender.
	store := memory.New()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	sender, err := webhook.New(webhook.Config{
		Events:    store,
		Positions: webhook.NewDir(folder),
		Endpoints: []webhook.Endpoint{{
			Name:       "search",
			URL:        receiver.URL,
			Secrets:    []string{secret},
			Types:      []webhook.Type{webhook.TypeIdentity},
			FromOldest: true,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, handle := range []syntax.Handle{"alice.example", "bob.example"} {
		e, err := firehose.IdentityEvent("did:web:a.example", handle, time.Now())
		if err != nil {
			log.Fatal(err)
		}
		if _, err := store.AppendEvents(ctx, e); err != nil {
			log.Fatal(err)
		}
	}
	if err := sender.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 did:web:a.example identity alice.example
	// 2 did:web:a.example identity bob.example
}
