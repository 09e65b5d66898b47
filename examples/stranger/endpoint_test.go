package main

import (
	"testing"

	"github.com/pdskit/pdskit/pds/pdstest"
)

// README: test
func TestCount(t *testing.T) {
	p := pdstest.New(t)
	p.Handle(countRecords(p.Server))
	alice := p.Account(t, "alice")
	if _, _, err := p.Repo(alice.DID).Put(t.Context(), "com.example.thing", "", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	var got count
	err := alice.Client.Get(t.Context(), "com.example.countRecords", map[string]any{"collection": "com.example.thing"}, &got)
	if err != nil || got.Count != 1 {
		t.Errorf("got %d, %v", got.Count, err)
	}
}

// README: end
