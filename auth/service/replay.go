package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// kindUsed is the [storage.Document] kind of service tokens that have been used.
const kindUsed = "service-token"

// use uses a token up. Of any number of requests with it, on any number of servers with the same store, one succeeds.
//
// A token is known by its issuer and ID; one of an old issuer that gives none, by what is signed of it.
func (s *Verifier) use(ctx context.Context, t *received) error {
	id := "jti " + t.claims.ID
	if t.claims.ID == "" {
		id = "jwt " + t.signed
	}
	sum := sha256.Sum256([]byte(t.issuer.String() + " " + id))
	err := s.cfg.Used.PutDocument(ctx, storage.NewDocument{Document: storage.Document{
		Kind: kindUsed, ID: hex.EncodeToString(sum[:]), Value: []byte{},
		IssuedAt: s.cfg.Now(), ExpiresAt: t.claims.Expires.time(),
	}})
	if errors.Is(err, storage.ErrExists) {
		return ErrToken.With("jwt has been used already")
	}
	if err != nil {
		return fmt.Errorf("service: remember a used token: %w", err)
	}
	return nil
}

const (
	refreshEvery = 10 * time.Second // for one DID
	maxRefreshed = 1000             // DIDs to remember
)

// refreshLimit limits how often a DID is looked up anew because of a signature that doesn't fit.
type refreshLimit struct {
	mu   sync.Mutex
	last map[syntax.DID]time.Time
}

func (l *refreshLimit) allow(did syntax.DID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.last[did]) < refreshEvery {
		return false
	}
	if len(l.last) >= maxRefreshed {
		for old, at := range l.last {
			if now.Sub(at) >= refreshEvery {
				delete(l.last, old)
			}
		}
		if len(l.last) >= maxRefreshed {
			return false
		}
	}
	if l.last == nil {
		l.last = make(map[syntax.DID]time.Time)
	}
	l.last[did] = now
	return true
}
