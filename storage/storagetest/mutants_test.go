package storagetest_test

import (
	"runtime"

	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
)

// racy names the tiers that may find a race first: race, which provokes it, or contract, by chance.
const racy = "contract race"

// mutants are stores that break one promise each, with the tiers of the suite, separated by spaces,
// of which one has to find it out first.
var mutants = map[string]struct {
	tiers string
	make  func() storage.Store
}{
	"a commit is lost":                        {"contract", func() storage.Store { return &lostCommit{Store: memory.New()} }},
	"applied but reported lost":               {"contract", func() storage.Store { return appliedConflict{memory.New()} }},
	"head before records":                     {racy, func() storage.Store { return twoSteps{memory.New()} }},
	"event without commit":                    {"contract", func() storage.Store { return eventFirst{memory.New()} }},
	"account without invite":                  {"contract", func() storage.Store { return inviteLater{memory.New()} }},
	"a commit isn't compared":                 {"contract", func() storage.Store { return blindCommit{memory.New()} }},
	"a commit is compared too early":          {racy, func() storage.Store { return earlyCompare{memory.New()} }},
	"dropped nodes stay":                      {"contract", func() storage.Store { return keepNodes{memory.New()} }},
	"references aren't counted":               {"contract", func() storage.Store { return noReferences{memory.New()} }},
	"missing blobs are ignored":               {"contract", func() storage.Store { return allowMissing{memory.New()} }},
	"a repeated commit succeeds":              {"faults", func() storage.Store { return repeatable{memory.New()} }},
	"all is forgotten":                        {"reopen", func() storage.Store { return memory.New() }},
	"a takedown ends with the next write":     {"contract", func() storage.Store { return weakTakedown{memory.New()} }},
	"a takedown outlives its record":          {"contract", func() storage.Store { return &stickyTakedown{Store: memory.New()} }},
	"old rows leak":                           {"contract", func() storage.Store { return leakyReplace{memory.New()} }},
	"snapshots move":                          {"contract", func() storage.Store { return noSnapshot{memory.New()} }},
	"events in the wrong order":               {"contract", func() storage.Store { return reverseEvents{memory.New()} }},
	"events become visible late":              {racy, func() storage.Store { return &lateEvents{Store: memory.New()} }},
	"a skipped number is given":               {"contract", func() storage.Store { return timidRaise{memory.New()} }},
	"sequence numbers are lowered":            {"contract", func() storage.Store { return &loweredSeq{reusedSeq{Store: memory.New()}} }},
	"sequence numbers come again":             {"contract", func() storage.Store { return &reusedSeq{Store: memory.New()} }},
	"trimming ignores the age":                {"contract", func() storage.Store { return trimAll{memory.New()} }},
	"records sorted by collection":            {"contract", func() storage.Store { return byCollection{memory.New()} }},
	"collections in the order of paths":       {"contract", func() storage.Store { return pathOrder{memory.New()} }},
	"a collection outlives its records":       {"contract", func() storage.Store { return &stickyMembers{Store: memory.New()} }},
	"blobs in the order of bytes":             {"contract", func() storage.Store { return byteOrder{memory.New()} }},
	"since is forgotten on later pages":       {"contract", func() storage.Store { return firstPageSince{memory.New()} }},
	"a document is given twice":               {racy, func() storage.Store { return takeTwice{memory.New()} }},
	"a swapped document isn't compared":       {"contract", func() storage.Store { return blindSwap{memory.New()} }},
	"a swap is guarded by the old owner":      {"contract", func() storage.Store { return oldOwner{memory.New()} }},
	"nobody's documents are everybody's":      {"contract", func() storage.Store { return nobodys{memory.New()} }},
	"nobody has a limit":                      {"contract", func() storage.Store { return unlimited{memory.New()} }},
	"a range without a kind is empty":         {"contract", func() storage.Store { return emptyRange{memory.New()} }},
	"a commit beyond the last number":         {"contract", func() storage.Store { return lastCommit{memory.New()} }},
	"a deleted account's blobs aren't marked": {"contract", func() storage.Store { return &lateMark{claimOnce: claimOnce{Store: memory.New()}} }},
	"the address comes before the handle":     {"contract", func() storage.Store { return emailFirst{memory.New()} }},
	"documents expire too late":               {"contract", func() storage.Store { return lateExpiry{memory.New()} }},
	"the clock decides what has expired":      {"contract", func() storage.Store { return clockwork{memory.New()} }},
	"a slice is kept":                         {"contract", func() storage.Store { return &keepSlice{Store: memory.New()} }},
	"handles aren't unique":                   {"contract", func() storage.Store { return freeHandles{memory.New()} }},
	"handles are normalised":                  {"contract", func() storage.Store { return lowerHandles{memory.New()} }},
	"a lifted takedown is listed":             {"contract", func() storage.Store { return &stickyList{Store: memory.New()} }},
	"taken-down blobs by their bytes":         {"contract", func() storage.Store { return byteTakedowns{memory.New()} }},
	"an update is lost":                       {racy, func() storage.Store { return lostUpdate{memory.New()} }},
	"a deleted account leaves its key":        {"contract", func() storage.Store { return keepKey{memory.New()} }},
	"an active account is due":                {"contract", func() storage.Store { return stickyEnd{memory.New()} }},
	"deleting nothing leaves an event":        {"contract", func() storage.Store { return eagerDelete{memory.New()} }},
	"listings run too early":                  {"contract", func() storage.Store { return eagerList{memory.New()} }},
	"a marked blob isn't claimed again":       {"contract", func() storage.Store { return &claimOnce{Store: memory.New()} }},
	"what never expires is removed":           {"contract", func() storage.Store { return greedyExpiry{memory.New()} }},
	"a limit is checked too early":            {racy, func() storage.Store { return earlyLimit{memory.New()} }},
	"expired documents count":                 {"contract", func() storage.Store { return countAll{memory.New()} }},
	"Commit ignores its guard":                {"contract", func() storage.Store { return guardless{memory.New(), "Commit"} }},
	"Commit checks its guard too early":       {racy, func() storage.Store { return earlyGuard{memory.New(), "Commit"} }},
	"Replace ignores its guard":               {"contract", func() storage.Store { return guardless{memory.New(), "Replace"} }},
	"Replace checks its guard too early":      {"contract", func() storage.Store { return earlyGuard{memory.New(), "Replace"} }},
	"PutBlob ignores its guard":               {"contract", func() storage.Store { return guardless{memory.New(), "PutBlob"} }},
	"PutBlob checks its guard too early":      {racy, func() storage.Store { return earlyGuard{memory.New(), "PutBlob"} }},
	"PutDocument ignores its guard":           {"contract", func() storage.Store { return guardless{memory.New(), "PutDocument"} }},
	"PutDocument checks its guard too early":  {racy, func() storage.Store { return earlyGuard{memory.New(), "PutDocument"} }},
	"SwapDocument ignores its guard":          {"contract", func() storage.Store { return guardless{memory.New(), "SwapDocument"} }},
	"SwapDocument checks its guard too early": {racy, func() storage.Store { return earlyGuard{memory.New(), "SwapDocument"} }},
	"a takedown ends with a replacement":      {"contract", func() storage.Store { return brokenTakedown{memory.New()} }},
	"AppendEvents wakes nobody":               {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "AppendEvents"} }},
	"CreateAccount wakes nobody":              {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "CreateAccount"} }},
	"UpdateAccount wakes nobody":              {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "UpdateAccount"} }},
	"DeleteAccount wakes nobody":              {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "DeleteAccount"} }},
	"Commit wakes nobody":                     {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "Commit"} }},
	"Replace wakes nobody":                    {"contract", func() storage.Store { return &ears{Store: memory.New(), deaf: "Replace"} }},
	"others' writes wake nobody":              {"contract", func() storage.Store { return &ownEars{ears{Store: memory.New()}} }},
	"a write between look and wait":           {racy, func() storage.Store { return &lateEars{ears{Store: memory.New()}} }},
	"a skipped number wakes":                  {"contract", func() storage.Store { return numberWait{memory.New()} }},
	"any event wakes":                         {"contract", func() storage.Store { return anyWait{memory.New()} }},
	"a wait outlasts its context":             {"contract", func() storage.Store { return sleeper{memory.New()} }},
	"subjects after an update":                {"contract", func() storage.Store { return &staleSubjects{Store: memory.New(), at: "an update"} }},
	"subjects after a deletion":               {"contract", func() storage.Store { return &staleSubjects{Store: memory.New(), at: "a deletion"} }},
	"subjects after a replacement":            {"contract", func() storage.Store { return &staleSubjects{Store: memory.New(), at: "a replacement"} }},
	"subjects after a repeated record":        {"contract", func() storage.Store { return &staleSubjects{Store: memory.New(), at: "a repeated record"} }},
	"subjects after the account's end":        {"contract", func() storage.Store { return &staleSubjects{Store: memory.New(), at: "the account's end"} }},
	"Document reuses its buffer":              {"contract", func() storage.Store { return &alias{Store: memory.New(), of: "Document"} }},
	"Record reuses its buffer":                {"contract", func() storage.Store { return &alias{Store: memory.New(), of: "Record"} }},
	"ListEvents reuses its buffer":            {"contract", func() storage.Store { return &alias{Store: memory.New(), of: "ListEvents"} }},
	"a write changes what was read":           {"contract", func() storage.Store { return &recycled{Store: memory.New()} }},
	"Snapshot locks writers out":              {"locks", func() storage.Store { return &lockout{Store: memory.New(), of: "Snapshot"} }},
	"Replace locks writers out":               {"locks", func() storage.Store { return &lockout{Store: memory.New(), of: "Replace"} }},
	"ListDocuments locks writers out":         {"locks", func() storage.Store { return &lockout{Store: memory.New(), of: "ListDocuments"} }},
	"WaitEvents locks writers out":            {"locks", func() storage.Store { return &lockout{Store: memory.New(), of: "WaitEvents"} }},
	"a replacement is staged in memory":       {"memory", func() storage.Store { return staging{newSpilling()} }},
	"a listing is fetched into memory":        {"memory", func() storage.Store { return fetching{newSpilling()} }},
	"what was replaced is never removed":      {"contract", func() storage.Store { return &hoarder{Store: memory.New()} }},
	"Maintain removes nothing":                {"contract", func() storage.Store { return &lazyHoarder{hoarder{Store: memory.New()}} }},
	"an account's events are searched for":    {"cost", func() storage.Store { return scanEvents{memory.New()} }},
	"an account's events are missed":          {"contract", func() storage.Store { return shortEvents{memory.New()} }},
	"readers wait for writers":                {"locks", func() storage.Store { return &bigLock{Store: memory.New()} }},
}

// linger lets others in between two steps that should be one.
func linger() {
	for range 1000 {
		runtime.Gosched()
	}
}
