package disk

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/pdskit/pdskit/storage"
)

// blobCID is the form that every blob's CID has.
//
// Spec: https://atproto.com/specs/data-model#link-and-cid-formats
var blobCID = cid.Prefix{Version: 1, Codec: cid.Raw, MhType: multihash.SHA2_256, MhLength: sha256.Size}

// maxName is the length in bytes that the usual file systems allow for a name.
const maxName = 255

// names returns the names of a blob's folder and file. It isn't ok if there can't be such a blob here: the names of all
// others are free of slashes and of any other way out of the store's folder.
func names(id storage.BlobID) (account, file string, ok bool) {
	account, ok = accountName(id.DID)
	if !ok || !id.CID.Defined() || id.CID.Prefix() != blobCID {
		return "", "", false
	}
	return account, id.CID.String(), true
}

// accountName returns the name of an account's folder: its DID, if that is valid. A valid DID has no slash and begins
// with "did:", so it isn't one of the other names in the store's folder.
func accountName(did syntax.DID) (string, bool) {
	if _, err := syntax.ParseDID(did.String()); err != nil {
		return "", false
	}
	if len(did) > maxName {
		sum := sha256.Sum256([]byte(did))
		return "sha256-" + hex.EncodeToString(sum[:]), true
	}
	return did.String(), true
}
