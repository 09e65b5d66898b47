package session

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/storage"
)

// kindSession is the [storage.Document] kind of sessions.
const kindSession = "session"

// maxUsed is how many used token IDs a session remembers. A client that refreshes more often than that in the grace
// period may not replay the oldest.
const maxUsed = 32

// session is the value of a session's row.
//
// There is one row for a session, whatever the number of its refreshes. The IDs of all its refresh tokens begin with the
// same 16 random bytes, which are the row's ID, and go on with 16 bytes of their own. So a token leads to its session
// also when the session has forgotten it, and is then known to be used up.
type session struct {
	Current     string `json:"jti"` // the ID of the refresh token that hasn't been used yet
	Issued      int64  `json:"iat"` // when it was issued, Unix seconds
	Used        []used `json:"used,omitempty"`
	Scope       string `json:"scope"`
	AppPassword string `json:"appPassword,omitempty"`
	Created     int64  `json:"created"` // Unix seconds
}

// used is a refresh token that was exchanged for the next.
type used struct {
	ID string `json:"jti"`
	At int64  `json:"at"` // Unix milliseconds
}

// expires returns when the current refresh token expires.
func (v session) expires(lifetime time.Duration) time.Time {
	return time.Unix(v.Issued, 0).Add(lifetime).UTC()
}

// graces reports whether a token was used so recently that it may be used again.
func (v session) graces(jti string, now time.Time, grace time.Duration) bool {
	return slices.ContainsFunc(v.Used, func(u used) bool {
		return u.ID == jti && now.Before(time.UnixMilli(u.At).Add(grace))
	})
}

// next returns the session after its current refresh token was exchanged for a new one.
func (v session) next(jti string, now time.Time, grace time.Duration) session {
	recent := []used{{ID: v.Current, At: now.UnixMilli()}}
	for _, u := range v.Used {
		if len(recent) < maxUsed && now.Before(time.UnixMilli(u.At).Add(grace)) {
			recent = append(recent, u)
		}
	}
	v.Used, v.Current, v.Issued = recent, jti, now.Unix()
	return v
}

// document returns the session's row.
func (v session) document(id string, did syntax.DID, lifetime time.Duration) storage.Document {
	value, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers always have a JSON
	}
	return storage.Document{
		Kind: kindSession, ID: id, Owner: did, Value: value,
		IssuedAt: time.Unix(v.Issued, 0).UTC(), ExpiresAt: v.expires(lifetime),
	}
}

// parseSession returns the session of a row.
func parseSession(d storage.Document) (session, error) {
	var v session
	if err := json.Unmarshal(d.Value, &v); err != nil {
		return session{}, fmt.Errorf("session: %s: %w", d.ID, err)
	}
	return v, nil
}

const (
	tokenIDLen   = 32 // bytes of a refresh token's ID
	sessionIDLen = 16 // of which these name the session
)

var tokenIDEncoding = base64.RawStdEncoding.Strict()

// newTokenID returns the ID of a new session's first refresh token.
func newTokenID() string {
	var id [tokenIDLen]byte
	rand.Read(id[:])
	return tokenIDEncoding.EncodeToString(id[:])
}

// nextTokenID returns a new ID for a refresh token of the session with an ID.
func nextTokenID(session string) (string, error) {
	var id [tokenIDLen]byte
	if n, err := hex.Decode(id[:sessionIDLen], []byte(session)); err != nil || n != sessionIDLen {
		return "", fmt.Errorf("session: malformed session ID %q", session)
	}
	rand.Read(id[sessionIDLen:])
	return tokenIDEncoding.EncodeToString(id[:]), nil
}

// sessionOf returns the ID of the session of a caller with a refresh token. Error:
// [auth.ErrInvalidToken] for other callers.
func sessionOf(c auth.Caller) (string, error) {
	id, ok := sessionID(c.TokenID)
	if !ok || c.Kind != auth.KindRefresh {
		return "", auth.ErrInvalidToken.With("Malformed token")
	}
	return id, nil
}

// sessionID returns the ID of the session that a refresh token belongs to, and whether its ID has the right form.
func sessionID(jti string) (string, bool) {
	id, err := tokenIDEncoding.DecodeString(jti)
	if err != nil || len(id) != tokenIDLen {
		return "", false
	}
	return hex.EncodeToString(id[:sessionIDLen]), true
}
