// Package plc speaks did:plc: it makes, signs and checks operations, asks a PLC directory over HTTP, and is a PLC
// directory itself.
//
// A did:plc identity is a log of signed operations. The first, the genesis operation, gives the DID by its hash. Each
// later one names its predecessor by CID and is signed by a rotation key of that predecessor. The last one says what
// the DID document is. There are three kinds of [Op]: [*Operation], which states everything anew; [*Tombstone], which
// ends the identity; and a legacy form of the genesis operation that is read, but no longer made.
//
// To make a DID, sign an operation without a predecessor, derive the DID from it, and submit it:
//
//	op := &plc.Operation{State: state}
//	err := plc.Sign(ctx, op, signer)
//	did, err := plc.GenesisDID(op)
//	err = client.Submit(ctx, did, op)
//
// [Client] asks a directory and believes it. [Directory] accepts and refuses operations as the
// public directory does, for development, tests and closed networks. It keeps its operations in
// memory, and in a [Journal] such as that of [OpenFile] if they are to last.
//
// Spec: https://web.plc.directory/spec/v0.1/did-plc
package plc
