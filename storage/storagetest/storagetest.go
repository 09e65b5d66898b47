package storagetest

import (
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// Run proves a backend. open returns an empty store that is used by one subtest alone, and that has cleaned up after
// itself when t ends (see [testing.T.Cleanup]).
func Run(t *testing.T, open func(t *testing.T) storage.Store, options ...Option) {
	if !t.Run("locks", func(t *testing.T) { runSentences(t, lockSentences, open) }) {
		return // the other tests would lock themselves out
	}
	t.Run("contract", func(t *testing.T) { runContract(t, open) })
	t.Run("race", func(t *testing.T) { runRaces(t, open) })
	t.Run("model", func(t *testing.T) { runModel(t, open) })
	t.Run("faults", func(t *testing.T) { runFaults(t, open) })
	t.Run("memory", func(t *testing.T) { runMemory(t, open, options) })
	t.Run("cost", func(t *testing.T) { runCosts(t, open) })
}
