// Package interop tests that the clients people have work with a pdskit server: it builds and starts examples/standalone,
// and runs the official TypeScript packages (@atproto/api, @atproto/repo, @atproto/crypto, and @atproto/sync with
// @atproto/identity) against it, and upstream's relay.
//
// It needs Node.js 22, npm, and for the first time a network: what npm installs goes to the user's cache folder. The relay
// is built from a module of its own, in testdata/relay, and needs a C compiler for its database. Without them it skips
// its tests, unless the environment variable CI is set: then they fail.
//
// To update the packages, set their versions in package.json, and run
//
//	npm install --package-lock-only --omit-lockfile-registry-resolved
package interop
