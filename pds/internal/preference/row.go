package preference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/storage"
)

// kind is the [storage.Token] kind of preferences: one row for an account's preferences of a namespace, which is replaced
// by a compare-and-swap, and goes with the account.
const kind = "preferences"

// never is when preferences expire.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func rowID(did syntax.DID, n Namespace) string { return did.String() + " " + n.Name }

func decode(row storage.Token) (values []json.RawMessage, err error) {
	if err := json.Unmarshal(row.Value, &values); err != nil {
		return nil, fmt.Errorf("preference: row %s: %w", row.ID, err)
	}
	return values, nil
}

// update replaces an account's preferences by what change makes of them, in one step. change may be called again, with
// other ones, if somebody else was faster.
func (s *Server) update(
	ctx context.Context, did syntax.DID, n Namespace, change func([]json.RawMessage) []json.RawMessage,
) error {
	for {
		err := s.tryUpdate(ctx, did, n, change)
		if !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (s *Server) tryUpdate(
	ctx context.Context, did syntax.DID, n Namespace, change func([]json.RawMessage) []json.RawMessage,
) error {
	old, err := s.Tokens.Token(ctx, kind, rowID(did, n))
	isNew := errors.Is(err, storage.ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	var values []json.RawMessage
	if !isNew {
		if values, err = decode(old); err != nil {
			return err
		}
	}
	row := storage.Token{Kind: kind, ID: rowID(did, n), DID: did, IssuedAt: s.Now(), ExpiresAt: never}
	if row.Value, err = json.Marshal(change(values)); err != nil {
		return err
	}
	if isNew {
		return s.Tokens.PutToken(ctx, row)
	}
	return s.Tokens.SwapToken(ctx, old, row)
}
