package lexicon_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"testing/fstest"

	"github.com/pdskit/pdskit/pds/lexicon"
)

func ExampleCatalog_CheckRecord() {
	catalog, err := lexicon.New(lexicon.Config{}) // just the built-in lexicons
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for _, record := range []map[string]any{
		{"$type": "app.bsky.actor.profile", "displayName": "Alice"},
		{"$type": "app.bsky.actor.profile", "displayName": int64(1)},
	} {
		fmt.Println(catalog.CheckRecord(ctx, "app.bsky.actor.profile", "self", record, nil))
	}
	fmt.Println(catalog.CheckRecord(ctx, "com.example.thing", "self", map[string]any{"$type": "com.example.thing"}, nil))
	// Output:
	// valid <nil>
	//  Invalid app.bsky.actor.profile record: record.displayName: expected a string: int64
	// unknown <nil>
}

// A host's own lexicons, which are usually embedded.
func ExampleCatalog_Method() {
	files := fstest.MapFS{"getThing.json": {Data: []byte(`{
		"lexicon": 1, "id": "com.example.getThing", "defs": {"main": {"type": "query", "parameters": {
			"type": "params", "required": ["name"], "properties": {"name": {"type": "string"}}
		}}}
	}`)}}
	catalog, err := lexicon.New(lexicon.Config{Files: files})
	if err != nil {
		log.Fatal(err)
	}
	method, err := catalog.Method("com.example.getThing")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(method.Verb(), method.CheckParams(url.Values{"name": {"a"}}))
	fmt.Println(method.CheckParams(url.Values{}))
	// Output:
	// GET <nil>
	// params.name: is required
}
