package pds_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pdskit/pdskit/pds"
)

// BenchmarkHeardBySecondServer measures how long after a write by one server has returned the event
// is read at another server on the same store: 0 if it's read before. It reports
//
//	ns/op         the mean
//	p99-µs        what one in a hundred exceeds
//	max-µs        the worst
//	write-µs/op   the mean of the write itself
func BenchmarkHeardBySecondServer(b *testing.B) {
	for store, open := range sharedStores {
		for reader, listen := range map[string]func(*world, testing.TB, int64) ear{
			"Events": (*world).earByEvents, "subscribeRepos": (*world).earBySubscription,
		} {
			b.Run(fmt.Sprintf("%s/%s", store, reader), func(b *testing.B) {
				one := start(b, func(c *pds.Config) { c.Store = open(b) })
				two := one.beside(b)
				alice := one.signUp(b, "alice")
				last, err := one.config.Store.LastSeq(b.Context())
				noError(b, err)
				benchmarkHeard(b, one.Repo(alice.did), listen(two, b, last))
			})
		}
	}
}

func benchmarkHeard(b *testing.B, repo pds.Repo, listen ear) {
	waits := make([]time.Duration, b.N)
	written := make(chan [2]time.Time)
	var write time.Duration
	b.ResetTimer()
	for i := range waits {
		go func() {
			begun := time.Now()
			if _, _, err := repo.Put(b.Context(), thing, "a", object{"n": i}); err != nil {
				b.Error(err)
			}
			written <- [2]time.Time{begun, time.Now()}
		}()
		listen(b)
		heard := time.Now()
		times := <-written
		write += times[1].Sub(times[0])
		waits[i] = max(0, heard.Sub(times[1]))
	}
	b.StopTimer()
	var sum time.Duration
	for _, wait := range waits {
		sum += wait
	}
	slices.Sort(waits)
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	b.ReportMetric(float64(sum)/float64(b.N), "ns/op")
	b.ReportMetric(micros(waits[len(waits)*99/100]), "p99-µs")
	b.ReportMetric(micros(waits[len(waits)-1]), "max-µs")
	b.ReportMetric(micros(write)/float64(b.N), "write-µs/op")
}
