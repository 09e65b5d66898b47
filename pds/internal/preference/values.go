package preference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/internal/hosting"
	"github.com/pdskit/pdskit/storage"
)

// values are an account's preferences of all namespaces, as they're stored: a JSON array, or nothing.
type values []json.RawMessage

func decode(did syntax.DID, stored []byte) (all values, err error) {
	if len(stored) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(stored, &all); err != nil {
		return nil, fmt.Errorf("preference: of %s: %w", did, err)
	}
	return all, nil
}

// Count returns how many preferences an account has, of all namespaces.
func (h *Handler) Count(ctx context.Context, did syntax.DID) (int64, error) {
	_, all, err := h.all(ctx, did)
	return int64(len(all)), err
}

// all returns the document with an account's preferences of all namespaces, and the preferences. If there is no
// document, it returns the zero one.
func (h *Handler) all(ctx context.Context, did syntax.DID) (storage.Document, values, error) {
	d, err := h.Documents.Document(ctx, storage.KindPreferences, did.String())
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Document{}, nil, nil
	}
	if err != nil {
		return storage.Document{}, nil, err
	}
	all, err := decode(did, d.Value)
	return d, all, err
}

// load returns an account's preferences of a namespace, which may be none.
func (h *Handler) load(ctx context.Context, did syntax.DID, n Namespace) (values, error) {
	_, all, err := h.all(ctx, did)
	return slices.DeleteFunc(all, func(p json.RawMessage) bool { return !n.has(typeOf(p)) }), err
}

// replace removes an account's preferences of a namespace, except those for which kept returns true,
// and adds fresh ones, in one step. It tries again if a simultaneous request was faster.
func (h *Handler) replace(
	ctx context.Context, account auth.Account, n Namespace, kept func(json.RawMessage) bool, fresh values,
) error {
	did, guard := account.DID, hosting.WhileStanding(account)
	for {
		old, all, err := h.all(ctx, did)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(p json.RawMessage) bool { return n.has(typeOf(p)) && !kept(p) })
		value, err := json.Marshal(append(all, fresh...))
		if err != nil {
			return err
		}
		d := storage.NewDocument{Guard: guard, Document: storage.Document{
			Kind: storage.KindPreferences, ID: did.String(), Owner: did, Value: value,
		}}
		if old.Kind == "" {
			err = h.Documents.PutDocument(ctx, d)
		} else {
			err = h.Documents.SwapDocument(ctx, old, d)
		}
		overtaken := errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrConflict) ||
			errors.Is(err, storage.ErrNotFound)
		if !overtaken {
			return err
		}
	}
}

// has reports whether preferences of a type are those of the namespace.
func (n Namespace) has(typ string) bool { return typ == n.Name || strings.HasPrefix(typ, n.Name+".") }

func (n Namespace) isPrivate(p json.RawMessage) bool { return slices.Contains(n.Private, typeOf(p)) }

// typeOf returns the type of a preference, "" if it has none. Only "$type" counts. Decoding into a
// struct would also accept "$TYPE", so a preference could pass as one type and be read as another.
func typeOf(p json.RawMessage) string {
	var properties map[string]json.RawMessage
	var typ string
	if json.Unmarshal(p, &properties) != nil || json.Unmarshal(properties["$type"], &typ) != nil {
		return ""
	}
	return typ
}
