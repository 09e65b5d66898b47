// Package admin serves com.atproto.admin, for the operator of the server.
package admin
