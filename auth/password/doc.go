// Package password hashes passwords and checks them.
//
// [Hash] makes argon2id hashes. [Verify] also takes the reference server's scrypt hashes, so
// accounts that come from there keep their passwords. [Admin] knows the operator of a server by a
// password.
//
// Derivations are expensive on purpose. As many run at once as there are processors; the others
// wait for their turn.
package password
