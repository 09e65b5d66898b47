package pds

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/pds/internal/preference"
)

// check reports what is wrong with the optional fields, as far as no other constructor does.
func (c *Config) check() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("pds: Config."+format, args...)) }
	for field, did := range map[string]syntax.DID{"DID": c.DID, "LexiconAuthority": c.LexiconAuthority} {
		if _, err := syntax.ParseDID(did.String()); did != "" && err != nil {
			wrong("%s: %w", field, err)
		}
	}
	for _, did := range c.Moderators {
		if _, err := syntax.ParseDID(did.String()); err != nil {
			wrong("Moderators: %w", err)
		}
	}
	for _, domain := range c.HandleDomains {
		if !strings.HasPrefix(domain, ".") {
			wrong("HandleDomains: %q has no dot in front", domain)
		}
	}
	if _, err := atcrypto.ParsePublicDIDKey(c.RecoveryKey); c.RecoveryKey != "" && err != nil {
		wrong("RecoveryKey: %w", err)
	}
	for _, relay := range c.Relays {
		if u, err := url.Parse(relay); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong("Relays: %q is no URL", relay)
		}
	}
	schemes := map[string]bool{}
	for scheme, a := range c.Authenticators {
		if a == nil {
			wrong("Authenticators: there is none for the scheme %q", scheme)
		}
		if lower := strings.ToLower(scheme); schemes[lower] {
			wrong("Authenticators: there are two for the scheme %q", scheme)
		} else {
			schemes[lower] = true
		}
	}
	return append(errs, c.checkPreferences()...)
}

// checkPreferences sees to it that nobody gets at the private preferences of a namespace by another that has it within.
func (c *Config) checkPreferences() (errs []error) {
	wrong := func(n PreferenceNamespace, what string) {
		errs = append(errs, fmt.Errorf("pds: Config.Preferences: namespace %q %s", n.Name, what))
	}
	names := []string{preference.Bsky.Name}
	for _, n := range c.Preferences {
		if _, err := syntax.ParseNSID(n.Name + ".a.a"); err != nil { // a namespace may be shorter than what is in it
			wrong(n, "isn't one")
		}
		for _, method := range []syntax.NSID{n.Get, n.Put} {
			if _, err := syntax.ParseNSID(method.String()); err != nil {
				wrong(n, fmt.Sprintf("has a method without a name: %s", err))
			}
		}
		if slices.ContainsFunc(names, func(name string) bool {
			return strings.HasPrefix(n.Name+".", name+".") || strings.HasPrefix(name+".", n.Name+".")
		}) {
			wrong(n, "and another are within each other")
		}
		for _, private := range n.Private {
			if !strings.HasPrefix(private, n.Name+".") {
				wrong(n, fmt.Sprintf("has no type %q", private))
			}
		}
		names = append(names, n.Name)
	}
	return errs
}
