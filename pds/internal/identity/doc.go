// Package identity serves com.atproto.identity.
package identity
