package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity/plc"
)

// PLCRegistrar is the [Registrar] of a PLC directory. Its operations are those of package plc in
// JSON, and the errors of that package are found in its own.
type PLCRegistrar struct {
	client *plc.Client
	signer plc.Signer
}

var _ Registrar = (*PLCRegistrar)(nil)

// NewPLCRegistrar returns a registrar that signs with a rotation key.
func NewPLCRegistrar(c *plc.Client, rotation plc.Signer) *PLCRegistrar {
	return &PLCRegistrar{c, rotation}
}

// NewGenesis implements [Registrar]. Error: [ErrRefused] for what no directory would take.
func (r *PLCRegistrar) NewGenesis(ctx context.Context, g Genesis) (syntax.DID, json.RawMessage, error) {
	var s plc.State
	for _, key := range append(slices.Clone(g.RotationKeys), r.rotationKey()) {
		if !slices.Contains(s.RotationKeys, key) {
			s.RotationKeys = append(s.RotationKeys, key)
		}
	}
	s.SetSigningKey(g.SigningKey)
	s.SetHandle(g.Handle)
	s.SetPDS(g.PDS)
	op := &plc.Operation{State: s}
	if err := plc.Sign(ctx, op, r.signer); err != nil {
		return "", nil, registrarError(err)
	}
	did, err := plc.GenesisDID(op)
	if err != nil {
		return "", nil, err
	}
	raw, err := json.Marshal(op)
	return did, raw, err
}

// Submit implements [Registrar]. It also takes an operation that somebody else signed.
func (r *PLCRegistrar) Submit(ctx context.Context, did syntax.DID, op json.RawMessage) error {
	parsed, err := plc.ParseOp(op)
	if err == nil {
		err = r.client.Submit(ctx, did, parsed)
	}
	return registrarError(err)
}

// maxUpdates is how often Update begins. Only who holds a rotation key too can make it lose.
const maxUpdates = 5

// Update implements [Registrar]. If another operation comes in between, it begins anew.
func (r *PLCRegistrar) Update(ctx context.Context, did syntax.DID, c Change) error {
	for attempt := 1; ; attempt++ {
		op, changed, err := r.signUpdate(ctx, did, c)
		if err != nil || !changed {
			return registrarError(err)
		}
		err = r.client.Submit(ctx, did, op)
		if err == nil || attempt == maxUpdates || !r.beaten(ctx, did, op, err) {
			return registrarError(err)
		}
	}
}

// rotationKey returns the key, as did:key, with which the registrar signs.
func (r *PLCRegistrar) rotationKey() string { return r.signer.PublicKey().DIDKey() }

// signUpdate returns a signed operation that makes a change to the present state, and whether that
// differs from it.
func (r *PLCRegistrar) signUpdate(
	ctx context.Context, did syntax.DID, c Change,
) (op *plc.Operation, changed bool, err error) {
	last, err := r.client.LastOp(ctx, did)
	if err != nil {
		return nil, false, err
	}
	before, ok := last.Result()
	if !ok {
		return nil, false, fmt.Errorf("%w: %s", plc.ErrTombstoned, did)
	}
	if !slices.Contains(before.RotationKeys, r.rotationKey()) {
		return nil, false, fmt.Errorf("%w: %s of %s", ErrNoAuthority, r.rotationKey(), did)
	}
	prev, err := plc.CID(last)
	if err != nil {
		return nil, false, err
	}
	after := c.apply(before.Clone())
	op = &plc.Operation{State: after, Prev: prev.String()}
	return op, !after.Equal(before), plc.Sign(ctx, op, r.signer)
}

// apply makes the change to a state.
func (c Change) apply(s plc.State) plc.State {
	if c.Handle != "" {
		s.SetHandle(c.Handle)
	}
	if c.SigningKey != "" {
		s.SetSigningKey(c.SigningKey)
	}
	if c.PDS != "" {
		s.SetPDS(c.PDS)
	}
	if c.RotationKeys != nil {
		s.RotationKeys = c.RotationKeys
	}
	return s
}

// beaten says whether an operation was refused because another has taken its place.
func (r *PLCRegistrar) beaten(ctx context.Context, did syntax.DID, op *plc.Operation, refusal error) bool {
	if e := (*plc.Error)(nil); !errors.As(refusal, &e) || errors.Is(e, plc.ErrUnavailable) {
		return false
	}
	last, err := r.client.LastOp(ctx, did)
	if err != nil {
		return false
	}
	c, err := plc.CID(last)
	return err == nil && c.String() != op.Prev
}

// registrarError says in the terms of a [Registrar] what an error of package plc is. Others stay as
// they are.
func registrarError(err error) error {
	var refusal *plc.Error
	var kind error
	switch {
	case errors.Is(err, plc.ErrUnavailable):
		kind = ErrUnavailable
	case errors.Is(err, plc.ErrNotPLC):
		kind = ErrUnsupported
	case errors.Is(err, plc.ErrNotFound), errors.Is(err, plc.ErrTombstoned), errors.Is(err, plc.ErrMalformed),
		errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest: // as for too many changes
		kind = ErrRefused
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
