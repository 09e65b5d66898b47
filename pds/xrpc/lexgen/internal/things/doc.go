// Package things is what lexgen writes for the lexicons of an example, and shows that it compiles and works.
package things

//go:generate go run github.com/pdskit/pdskit/pds/xrpc/lexgen -package things -out things.go lexicons
