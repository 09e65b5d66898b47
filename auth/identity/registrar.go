package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/pdskit/pdskit/auth/identity/plc"
)

// Genesis is what an account's DID begins with.
type Genesis struct {
	SigningKey string        // as did:key: what signs the repository
	Handle     syntax.Handle // in the service's domain
	PDS        string        // the server's URL, without final slash

	// RotationKeys, as did:key, have more authority than the registrar's own key, in descending order: that of the
	// user, then that by which the operator recovers from a disaster.
	RotationKeys []string
}

// Registrar creates and updates the DIDs of accounts.
//
// Creating takes two steps, so that a crash between them leaves nothing behind that can't be finished. NewGenesis tells
// nobody; the caller stores what it returns, and then submits it, as often as it takes.
type Registrar interface {
	// RotationKey returns the key, as did:key, with which the registrar signs.
	RotationKey() string

	// NewGenesis makes a DID with the signed operation that will register it.
	NewGenesis(ctx context.Context, g Genesis) (syntax.DID, *plc.Operation, error)

	// Submit registers a DID, or takes over an operation that somebody signed. It is idempotent as long as no other
	// operation follows. Errors: those of [plc.Client.Submit].
	Submit(ctx context.Context, did syntax.DID, op plc.Op) error

	// SignUpdate returns a signed operation that makes of the present state what change makes of it, and submits
	// nothing. An error of change is returned as it is. Errors: [plc.ErrTombstoned]; [plc.ErrNotRotationKey];
	// [plc.ErrMalformed]; those of [plc.Client.LastOp].
	SignUpdate(ctx context.Context, did syntax.DID, change func(*plc.State) error) (*plc.Operation, error)

	// Update does what SignUpdate does, and submits the operation, unless it changes nothing. If another operation
	// comes in between, it begins anew, so that change may be called more than once. Errors, beside those of
	// SignUpdate: those of [plc.Client.Submit].
	Update(ctx context.Context, did syntax.DID, change func(*plc.State) error) error
}

// PLCRegistrar is the [Registrar] of a PLC directory.
type PLCRegistrar struct {
	client *plc.Client
	signer plc.Signer
}

var _ Registrar = (*PLCRegistrar)(nil)

// NewPLCRegistrar returns a registrar that signs with a rotation key.
func NewPLCRegistrar(c *plc.Client, rotation plc.Signer) *PLCRegistrar {
	return &PLCRegistrar{c, rotation}
}

// RotationKey implements [Registrar].
func (r *PLCRegistrar) RotationKey() string { return r.signer.PublicKey().DIDKey() }

// NewGenesis implements [Registrar]. Error: [plc.ErrMalformed].
func (r *PLCRegistrar) NewGenesis(ctx context.Context, g Genesis) (syntax.DID, *plc.Operation, error) {
	var s plc.State
	for _, key := range append(slices.Clone(g.RotationKeys), r.RotationKey()) {
		if !slices.Contains(s.RotationKeys, key) {
			s.RotationKeys = append(s.RotationKeys, key)
		}
	}
	s.SetSigningKey(g.SigningKey)
	s.SetHandle(g.Handle)
	s.SetPDS(g.PDS)
	op := &plc.Operation{State: s}
	if err := r.sign(ctx, op); err != nil {
		return "", nil, err
	}
	did, err := plc.GenesisDID(op)
	return did, op, err
}

// Submit implements [Registrar].
func (r *PLCRegistrar) Submit(ctx context.Context, did syntax.DID, op plc.Op) error {
	return r.client.Submit(ctx, did, op)
}

// SignUpdate implements [Registrar].
func (r *PLCRegistrar) SignUpdate(
	ctx context.Context, did syntax.DID, change func(*plc.State) error,
) (*plc.Operation, error) {
	op, _, err := r.signUpdate(ctx, did, change)
	return op, err
}

// maxUpdates is how often Update begins. Only who holds a rotation key too can make it lose.
const maxUpdates = 5

// Update implements [Registrar].
func (r *PLCRegistrar) Update(ctx context.Context, did syntax.DID, change func(*plc.State) error) error {
	for attempt := 1; ; attempt++ {
		op, changed, err := r.signUpdate(ctx, did, change)
		if err != nil || !changed {
			return err
		}
		err = r.client.Submit(ctx, did, op)
		if err == nil || attempt == maxUpdates || !r.beaten(ctx, did, op, err) {
			return err
		}
	}
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

func (r *PLCRegistrar) signUpdate(
	ctx context.Context, did syntax.DID, change func(*plc.State) error,
) (op *plc.Operation, changed bool, err error) {
	last, err := r.client.LastOp(ctx, did)
	if err != nil {
		return nil, false, err
	}
	before, ok := last.Result()
	if !ok {
		return nil, false, fmt.Errorf("%w: %s", plc.ErrTombstoned, did)
	}
	if !slices.Contains(before.RotationKeys, r.RotationKey()) {
		return nil, false, fmt.Errorf("%w: %s of %s", plc.ErrNotRotationKey, r.RotationKey(), did)
	}
	prev, err := plc.CID(last)
	if err != nil {
		return nil, false, err
	}
	after := before.Clone()
	if err := change(&after); err != nil {
		return nil, false, err
	}
	op = &plc.Operation{State: after, Prev: prev.String()}
	return op, !after.Equal(before), r.sign(ctx, op)
}

// sign signs an operation that a directory will take.
func (r *PLCRegistrar) sign(ctx context.Context, op *plc.Operation) error {
	if err := plc.Sign(ctx, op, r.signer); err != nil {
		return err
	}
	return plc.CheckLimits(op)
}
