package main

import (
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
)

// compact turns a signature as key services give it, ASN.1 with either of the two possible s, into that of the protocol: r
// and s of 32 bytes each, with the lower s.
//
// Spec: https://atproto.com/specs/cryptography
func compact(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	n := elliptic.P256().Params().N
	if err != nil || len(rest) > 0 || !inRange(sig.R, n) || !inRange(sig.S, n) {
		return nil, errors.New("kms: not a signature of P-256")
	}
	if sig.S.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		sig.S.Sub(n, sig.S)
	}
	out := make([]byte, 64)
	sig.R.FillBytes(out[:32])
	sig.S.FillBytes(out[32:])
	return out, nil
}

func inRange(x, n *big.Int) bool { return x.Sign() > 0 && x.Cmp(n) < 0 }
