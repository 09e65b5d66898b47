package pdstest

import (
	"maps"
	"net/http"
	"strconv"
	"sync"

	"github.com/bluesky-social/indigo/atproto/atclient"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds"
)

// scheme is that of the Authorization header of [PDS.As].
const scheme = "Pdstest"

// As returns a client whose requests the server takes for those of a caller: of an app with an OAuth scope, for example, of
// an app password, or of a moderator. What the server does for a caller, and what it refuses, it does and refuses here.
//
//	app := p.As(auth.Caller{DID: alice.DID, Kind: auth.KindOAuth, Scope: "atproto repo:com.example.note"})
func (p *PDS) As(caller auth.Caller) *atclient.APIClient {
	c := p.Client()
	c.Headers.Set("Authorization", scheme+" "+p.callers.add(caller))
	if caller.DID != "" {
		c.AccountDID = &caller.DID
	}
	return c
}

// callers are those of [PDS.As].
type callers struct {
	mu  sync.Mutex
	all []auth.Caller
}

var _ auth.Authenticator = (*callers)(nil)

// add returns the credentials of a caller.
func (c *callers) add(caller auth.Caller) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, caller)
	return strconv.Itoa(len(c.all) - 1)
}

// Authenticate implements [auth.Authenticator].
func (c *callers) Authenticate(_ *http.Request, credentials auth.Credentials) (auth.Caller, error) {
	i, err := strconv.Atoi(credentials.Token)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || i < 0 || i >= len(c.all) {
		return auth.Caller{}, auth.ErrInvalidToken
	}
	return c.all[i], nil
}

// addTo has a server ask them, beside the authenticators that the test has set.
func (c *callers) addTo(config *pds.Config) {
	all := auth.Schemes{scheme: c}
	maps.Copy(all, config.Authenticators)
	config.Authenticators = all
}
