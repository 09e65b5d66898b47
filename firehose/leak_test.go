package firehose_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain: when all readers have left, nothing runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/ipfs/go-log/writer.(*MirrorWriter).logRoutine")) // started by an import of indigo
}
