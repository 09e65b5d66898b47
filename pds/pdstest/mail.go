package pdstest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pdskit/pdskit/pds"
)

// MailBox is a mailer that keeps the letters, to whomever. The zero MailBox is empty. It is safe for concurrent use.
type MailBox struct {
	mu     sync.Mutex
	all    []pds.Mail
	unread []pds.Mail
	more   chan struct{} // closed when a letter comes; nil while nobody waits
}

var _ pds.Mailer = (*MailBox)(nil)

// Send takes a letter.
func (b *MailBox) Send(_ context.Context, m pds.Mail) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all, b.unread = append(b.all, m), append(b.unread, m)
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return nil
}

// All returns all letters so far, in the order in which they came.
func (b *MailBox) All() []pds.Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all)
}

// Wait returns the oldest letter to an address that Wait hasn't returned yet. The test fails if there is none within half
// a minute.
func (b *MailBox) Wait(t testing.TB, address string) pds.Mail {
	t.Helper()
	late := time.After(patience)
	for {
		m, ok, more := b.take(address)
		if ok {
			return m
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("pdstest: there is no letter to %s", address)
		}
	}
}

func (b *MailBox) take(address string) (_ pds.Mail, ok bool, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.unread, func(m pds.Mail) bool { return strings.EqualFold(m.To, address) })
	if i < 0 {
		if b.more == nil {
			b.more = make(chan struct{})
		}
		return pds.Mail{}, false, b.more
	}
	m := b.unread[i]
	b.unread = slices.Delete(b.unread, i, i+1)
	return m, true, nil
}
