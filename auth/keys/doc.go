// Package keys keeps signing keys: those of the accounts, and the server's own.
//
// A [Keyring] makes, stores and uses keys, and never hands one out. In storage they are sealed under a secret that the host
// gives and that isn't stored beside them, so that who gets hold of the database alone can sign nothing. In memory the
// keys that were used last are kept open, in bounded number and for a bounded time, so that signing reads no storage.
//
// A key has a name. That of an account's signing key is the account's DID. The names of others are the host's choice; a
// key that is reserved before there is an account is made under another name and copied, see [Keyring.Copy]. What has to
// be read to be used, such as the secret of session tokens, is kept in the same way, see [Keyring.Secret].
//
// A Keyring is a repo.Signer. A KMS, an HSM or a device of the user's own is another; nothing else in this library asks
// for a Keyring. Its [Signer] signs with one of the server's own keys, such as the rotation key of the accounts' did:plc.
//
// # Sealing
//
// A sealed key is XChaCha20-Poly1305 under a key that HKDF-SHA256 derives from the host's secret, with a random nonce:
//
//	version (1 byte) | ID of the secret (8 bytes) | nonce (24 bytes) | ciphertext
//
// Everything before the nonce and the key's name are authenticated: a sealed key that is moved to another name doesn't
// open. The ID of the secret, derived from it too, says which of several secrets to open it with.
package keys
