// Package page serves what is no XRPC method: the health check, the well-known documents, and a page for people who
// open the server's address in a browser.
package page
