package storagetest

import (
	"testing"
	"time"

	"github.com/pdskit/pdskit/storage"
)

// RunMemory runs the tier of memory alone.
func RunMemory(t *testing.T, open func(t *testing.T) storage.Store) { runMemory(t, open, nil) }

// BeImpatient makes the tests wait less long for what doesn't come.
func BeImpatient() { patience = 3 * time.Second }
