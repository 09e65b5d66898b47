package admin

import (
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds/xrpc"
)

// subject is what a decision is about: an account, a record or a blob.
type subject struct {
	Type string       `json:"$type"`
	DID  syntax.DID   `json:"did,omitempty"`
	URI  syntax.ATURI `json:"uri,omitempty"`
	CID  string       `json:"cid,omitempty"`
}

const (
	accountSubject = "com.atproto.admin.defs#repoRef"
	recordSubject  = "com.atproto.repo.strongRef"
	blobSubject    = "com.atproto.admin.defs#repoBlobRef"
)

// status says whether a decision is in force.
type status struct {
	Applied bool   `json:"applied"`
	Ref     string `json:"ref,omitempty"`
}

// record returns whose record a URI names, and its path.
func record(uri syntax.ATURI) (syntax.DID, string, error) {
	did := uri.Authority().DID()
	if did == "" || uri.RecordKey() == "" {
		return "", "", xrpc.InvalidRequest("a record must be named by a URI with a DID, a collection and a record key")
	}
	return did, uri.Collection().String() + "/" + uri.RecordKey().String(), nil
}

func parseCID(s string) (cid.Cid, error) {
	c, err := cid.Decode(s)
	if err != nil {
		return c, xrpc.InvalidRequest("a blob must be named by a cid string")
	}
	return c, nil
}
