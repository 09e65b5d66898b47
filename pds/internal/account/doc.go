// Package account serves com.atproto.server: it describes the server, makes accounts, signs their owners in, activates
// and deactivates accounts, gives out service tokens, and sends letters with codes that reset passwords, confirm and change
// addresses, and delete accounts.
//
// Creating an account touches three things that no transaction spans: the sealed signing key, the PLC directory, and
// the account with its repo. signup.go has the order in which that happens, and why an attempt that broke off anywhere
// is finished by the next.
package account
