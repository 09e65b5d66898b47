package main

import (
	"log/slog"
	"testing"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// README: storetest
func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return audited{memory.New(), slog.New(slog.DiscardHandler)}
	}, storagetest.InMemory)
}

// README: end
