package storagetest

import (
	"slices"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// A sentence is a promise of package storage, with a test that fails if a store breaks it.
type sentence struct {
	of    string // the method that promises it, as in "Accounts.Account", or the interface, or "Store" for what all promise
	name  string
	says  string // the promise, or a part of it, word for word
	check func(t *testing.T, s storage.Store)
}

// sentences are all promises that the contract tier tests.
func sentences() []sentence {
	return slices.Concat(
		generalSentences,
		accountSentences, accountChangeSentences, accountDueSentences,
		readSentences, rangeSentences, collectionSentences, snapshotSentences, commitSentences, referenceSentences, replaceSentences,
		takedownSentences, takedownListSentences, eventSentences, seqSentences, documentSentences, documentListSentences,
		optionalSentences, guardSentences, limitSentences, subjectSentences, waitSentences, blobSentences, blobListSentences, claimSentences,
	)
}

func runContract(t *testing.T, open func(t *testing.T) storage.Store) {
	runSentences(t, sentences(), open)
}

// runSentences runs each test with a store of its own. A failure quotes what is broken.
func runSentences(t *testing.T, promises []sentence, open func(t *testing.T) storage.Store) {
	for _, p := range promises {
		t.Run(p.of+"/"+p.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("broken: %s: %q", p.of, p.says)
				}
			}()
			p.check(t, open(t))
		})
	}
}
