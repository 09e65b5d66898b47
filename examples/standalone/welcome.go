package main

import (
	"fmt"
	"io"
)

// welcome says where the server is, and to people who are trying it out what to do next.
func (p *program) welcome(w io.Writer) {
	s := p.settings
	fmt.Fprintf(w, "PDS: %s\n", s.publicURL())
	if p.plc != nil {
		fmt.Fprintf(w, "PLC directory: %s\n", s.plcURL)
	}
	fmt.Fprintf(w, "Data: %s\n", s.data)
	if !s.local() {
		fmt.Fprintf(w, "Listening on %s: a proxy in front has to speak TLS for %s and its subdomains\n",
			p.listener.Addr(), s.hostname)
		if s.invite {
			fmt.Fprintln(w, "Sign-up is closed: PDS_INVITE_REQUIRED=false opens it to anybody")
		}
		return
	}
	if !p.fresh || s.invite {
		return
	}
	fmt.Fprintf(w, `
Nobody has an account here yet. In another terminal:

# create an account
curl -s %[1]s/xrpc/com.atproto.server.createAccount \
  -H 'Content-Type: application/json' \
  -d '{"handle":"alice%[2]s","email":"alice@example.com","password":"alice-password"}'

# log in, and keep the token
TOKEN=$(curl -s %[1]s/xrpc/com.atproto.server.createSession \
  -H 'Content-Type: application/json' \
  -d '{"identifier":"alice%[2]s","password":"alice-password"}' |
  sed 's/.*"accessJwt":"\([^"]*\)".*/\1/')

# write a post
curl -s %[1]s/xrpc/com.atproto.repo.createRecord \
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"repo":"alice%[2]s","collection":"app.bsky.feed.post","record":{"text":"Hello, world!","createdAt":"2026-01-01T00:00:00Z"}}'

# read it back
curl -s '%[1]s/xrpc/com.atproto.repo.listRecords?repo=alice%[2]s&collection=app.bsky.feed.post'

`, s.publicURL(), s.handleDomains[0])
}
