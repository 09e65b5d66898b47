package storagetest_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// mutantVariable names the environment variable that makes [TestMutant] test a mutant.
const mutantVariable = "STORAGETEST_MUTANT"

// TestMutants runs the suite against each mutant, and fails where the suite doesn't, or where another tier fails first
// than one that is meant to.
func TestMutants(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), self, "-test.run=^TestMutant$", "-test.failfast", "-test.timeout=2m")
			child.Env = append(os.Environ(), mutantVariable+"="+name)
			out, err := child.CombinedOutput()
			if err == nil {
				t.Fatal("the suite finds nothing wrong")
			}
			if !slices.ContainsFunc(strings.Fields(m.tiers), func(tier string) bool {
				return strings.Contains(string(out), "--- FAIL: TestMutant/"+tier+"/")
			}) {
				t.Fatalf("no tier of %q finds it out, but\n%s", m.tiers, out)
			}
		})
	}
}

// TestMutant is the suite as [TestMutants] runs it.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantVariable)
	if name == "" {
		t.Skip("run by TestMutants")
	}
	storagetest.BeImpatient()
	var options []storagetest.Option
	if mutants[name].tiers != "memory" {
		options = append(options, storagetest.InMemory)
	}
	storagetest.Run(t, func(*testing.T) storage.Store { return mutants[name].make() }, options...)
	t.Run("reopen", func(t *testing.T) {
		storagetest.RunReopen(t, func(*testing.T, string) storage.Store { return mutants[name].make() })
	})
}

// TestReopen runs the tier over stores that live as long as the test, which is all that can be said for memory.
func TestReopen(t *testing.T) {
	stores := make(map[string]storage.Store)
	storagetest.RunReopen(t, func(_ *testing.T, dir string) storage.Store {
		if stores[dir] == nil {
			stores[dir] = memory.New()
		}
		return stores[dir]
	})
}
