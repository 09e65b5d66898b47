package data

import (
	"strconv"
	"strings"
)

// integer parses a number of JSON, in whatever form, without rounding it: 1.0 and 1e2 are integers,
// and a 1 with a fraction that a float64 couldn't hold isn't.
//
// Spec: https://www.rfc-editor.org/rfc/rfc8259.html#section-6
func integer(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < -maxInteger || f > maxInteger || hasFraction(s) {
			return 0, errInteger
		}
		return int64(f), nil
	}
	if n < -maxInteger || n > maxInteger {
		return 0, errInteger
	}
	return n, nil
}

// hasFraction reports whether a number of JSON isn't an integer, by its digits.
func hasFraction(s string) bool {
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil { // too large for an int
			exponent = 0
			if s[i+1] == '-' {
				exponent = -len(s)
			}
		}
		mantissa = s[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "-0")
	kept := len(strings.TrimRight(digits, "0"))
	zeros := len(digits) - kept // at the end, which an exponent may take away
	return kept > 0 && exponent-len(fraction)+zeros < 0
}
