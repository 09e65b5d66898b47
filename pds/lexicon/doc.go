// Package lexicon knows lexicons and checks data against them: records that are written, and the parameters, inputs and
// outputs of methods.
//
// A [Catalog] has them from three sources, of which the first that has one counts:
//
//   - the host's own files
//   - those that are built in: all of com.atproto, and the record types of app.bsky with what they refer to
//   - the network, by a [Resolver], if there is one
//
// The network is asked only on demand, by [Catalog.Fetch] and by [Catalog.CheckRecord] when a client asks for validation;
// everything else works with what is known already, without delay.
//
// A lexicon is compiled when it is first used, so that to check a record is a few lookups. The rules for strings and
// other plain values are those of indigo's lexicon package; the walk through objects, unions and references is this
// package's own, because it says where in the data something is wrong, knows records as variants of a union, and checks
// the bodies of requests too. Where the two may differ it follows the protocol's reference implementation: a variant that
// an open union doesn't list isn't checked.
//
// # The built-in lexicons
//
// builtin.jsonl is generated from the JSON files of the indigo module, complete but for their descriptions. Beside
// com.atproto and app.bsky it has the other two record types that the reference implementation knows,
// chat.bsky.actor.declaration and com.germnetwork.declaration. The methods of app.bsky aren't in it: a PDS has them
// answered elsewhere.
//
// Spec: https://atproto.com/specs/lexicon
package lexicon
