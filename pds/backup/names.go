package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"path"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
)

// The names of a mirror's objects. NAME is an account's name in them.
const (
	stateName  = "mirror.json"
	serverName = "server.json"

	accountsPrefix = "accounts/" // NAME.json
	privatePrefix  = "private/"  // NAME.json
	reposPrefix    = "repos/"    // NAME/REV-RANDOM.car
	blobsPrefix    = "blobs/"    // NAME/CID
	absentPrefix   = "absent/"   // NAME/CID, for blobs that the source hasn't got
	stalePrefix    = "stale/"    // NAME.json, for accounts that aren't as the source has them
)

// maxName leaves room for what is added to it within the 255 bytes that file systems allow.
const maxName = 200

// nameOf returns an account's name: its DID, or a hash of it if that is too long. A valid DID has no slash, and isn't one
// of the names that a file system has its own ideas about.
func nameOf(did syntax.DID) string {
	if len(did) > maxName {
		sum := sha256.Sum256([]byte(did))
		return "sha256-" + hex.EncodeToString(sum[:])
	}
	return string(did)
}

func accountObject(did syntax.DID) string { return accountsPrefix + nameOf(did) + ".json" }
func privateObject(did syntax.DID) string { return privatePrefix + nameOf(did) + ".json" }
func staleObject(did syntax.DID) string   { return stalePrefix + nameOf(did) + ".json" }
func repoFolder(did syntax.DID) string    { return reposPrefix + nameOf(did) + "/" }
func blobFolder(did syntax.DID) string    { return blobsPrefix + nameOf(did) + "/" }
func absentFolder(did syntax.DID) string  { return absentPrefix + nameOf(did) + "/" }

func blobObject(did syntax.DID, c cid.Cid) string   { return blobFolder(did) + c.String() }
func absentObject(did syntax.DID, c cid.Cid) string { return absentFolder(did) + c.String() }

// cidIn returns the CID that an object of a blob is named after.
func cidIn(object string) (cid.Cid, error) { return cid.Decode(path.Base(object)) }
