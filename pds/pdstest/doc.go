// Package pdstest is for the tests of apps: a whole PDS in memory, with a PLC directory of its own, accounts, clients, a
// clock that stands still, a mail box to read, and switches for what goes wrong.
//
//	func TestPost(t *testing.T) {
//		p := pdstest.New(t)
//		alice := p.Account(t, "alice")
//		err := alice.Client.Post(t.Context(), "com.atproto.repo.createRecord", post, nil)
//		…
//		p.Wait(t, 0, func(e firehose.Event) bool { return e.Commit != nil })
//	}
//
// An account's client has logged in with the account's own password; [PDS.As] makes one of any other caller, such as an app
// with an OAuth scope.
//
// Each server listens on a loopback address, and asks nothing outside. Tests may run in parallel, each with one of its own;
// when a test ends, nothing of its server is left. What package goleak finds nevertheless, a dependency has started when it
// was imported: goleak.VerifyTestMain(m, goleak.IgnoreCurrent()).
package pdstest
