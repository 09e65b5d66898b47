package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// ErrDamaged: an object of the mirror isn't what was stored.
var ErrDamaged = errors.New("damaged")

// A document is JSON under a line with the SHA-256 of all that follows the line, in hexadecimal, so that no bit of it
// changes unseen.
const documentHead = 2*sha256.Size + 1

func encodeDocument(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	return append(append(digest(body), '\n'), body...), nil
}

// decodeDocument reads a document. Error: [ErrDamaged].
func decodeDocument(data []byte, v any) error {
	if len(data) < documentHead || data[documentHead-1] != '\n' {
		return fmt.Errorf("%w: no checksum", ErrDamaged)
	}
	body := data[documentHead:]
	if !bytes.Equal(data[:documentHead-1], digest(body)) {
		return fmt.Errorf("%w: wrong checksum", ErrDamaged)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

func digest(body []byte) []byte {
	sum := sha256.Sum256(body)
	return hex.AppendEncode(nil, sum[:])
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
