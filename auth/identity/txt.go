package identity

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	indigo "github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
)

// errAmbiguous: a handle's DNS names several DIDs. No other way of asking makes it clear which one is meant.
var errAmbiguous = errors.New("more than one DID in DNS")

// resolveTXT asks DNS for a handle's DID. Errors: ErrHandleNotFound, ErrHandleResolutionFailed, the latter around
// errAmbiguous if there are several.
//
// Spec: https://atproto.com/specs/handle#dns-txt-method
func (d *Directory) resolveTXT(ctx context.Context, h syntax.Handle) (syntax.DID, error) {
	records, err := d.lookupTXT(ctx, "_atproto."+h.String())
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return "", indigo.ErrHandleNotFound
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", indigo.ErrHandleResolutionFailed, err)
	}
	var found syntax.DID
	var invalid error
	for _, record := range records {
		raw, ok := strings.CutPrefix(record, "did=")
		if !ok {
			continue
		}
		did, err := syntax.ParseDID(raw)
		switch {
		case err != nil:
			invalid = fmt.Errorf("%w: in DNS: %w", indigo.ErrHandleResolutionFailed, err)
		case found != "" && found != did:
			return "", fmt.Errorf("%w: %w", indigo.ErrHandleResolutionFailed, errAmbiguous)
		default:
			found = did
		}
	}
	switch {
	case found != "":
		return found, nil
	case invalid != nil:
		return "", invalid
	}
	return "", indigo.ErrHandleNotFound
}
