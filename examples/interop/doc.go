// Package interop tests that the clients people have work with a pdskit server: it builds and starts examples/standalone,
// and runs the official TypeScript packages (@atproto/api, @atproto/repo and @atproto/crypto) against it.
//
// It needs Node.js 22, npm, and for the first time a network: what npm installs goes to the user's cache folder. Without
// them it skips its tests, unless the environment variable CI is set: then they fail.
//
// To update the packages, set their versions in package.json, and run
//
//	npm install --package-lock-only --omit-lockfile-registry-resolved
package interop
