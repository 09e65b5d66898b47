package storagetest

import (
	"math/rand/v2"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// runFaults lets a workload meet faults at its writes. Each step reads to find out whether its write has happened, and
// tries again if it hasn't. In the end everything has to have happened exactly once.
func runFaults(t *testing.T, open func(t *testing.T) storage.Store) {
	t.Run("each write is lost", func(t *testing.T) {
		n := 0
		runWorkload(t, open(t), func(string) Fault {
			if n++; n%2 == 1 {
				return Lost // and the next one is the attempt after it
			}
			return NoFault
		})
	})
	t.Run("each write is applied and reported failed", func(t *testing.T) {
		runWorkload(t, open(t), func(string) Fault { return Applied })
	})
	t.Run("any write is either", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 0))
		runWorkload(t, open(t), func(string) Fault { return []Fault{NoFault, Lost, Applied}[random.IntN(3)] })
	})
}
