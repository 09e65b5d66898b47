// Package hosting is the ground floor of pds/internal: what the domains of a server have in common, and the
// only package there that the others may import.
package hosting
