package identity

import "strings"

// ReservedLabel says whether a label would pass for the service itself, its staff, or a host of its domain, and so is
// kept from users. Hyphens don't count.
func ReservedLabel(label string) bool {
	return reserved[strings.ReplaceAll(strings.ToLower(label), "-", "")]
}

var reserved = func() map[string]bool {
	m := map[string]bool{}
	for _, group := range []string{
		// the protocol and its services
		"atp atproto atprotocol appview bgs bluesky bsky did didplc didweb feedgen firehose handle handles jetstream " +
			"labeler labeller lexicon nsid ozone pds plc relay repo tid wellknown xrpc",

		// who speaks for the service
		"abuse admin administration administrator administrators admins billing board ceo community compliance contact " +
			"customerservice feedback help helpdesk info legal marketing mod moderation moderator moderators mods news " +
			"noreply official operator operators owner press privacy root safety sales security staff support supervisor " +
			"sysadmin team trust trustandsafety verified verify webmaster",

		// addresses that others expect somebody to read (RFC 2142 and the authorities of certificates)
		"hostmaster mailerdaemon noc postmaster ssladmin ssladministrator sslwebmaster usenet uucp",

		// hosts of a domain
		"api apis app apps assets auth authn autoconfig autodiscover backup beta blog cache calendar cdn chat cloud " +
			"cluster console cpanel dashboard data database demo dev devel development dns docs domain domains download " +
			"downloads edge email files ftp gateway git hosting images imap img internal internet intranet ldap " +
			"loadbalancer local localdomain localhost log logs mail mailer mailman media metrics mobile monitor " +
			"monitoring mta mysql nameserver network node ns1 ns2 ns3 ns4 oauth oidc origin pop pop3 portal " +
			"postgres preview private prod production proxy public queue redis registry remote router saml sandbox " +
			"search secure server servers sftp shell smtp smtps sql ssh ssl sso stage staging static stats status storage " +
			"stream svn sync syslog system telnet test testing tests tls token tunnel upload uploads vpn web webdav webhook " +
			"webhooks webmail wiki worker wpad www www1 www2 www3 wwww xmpp",

		// pages of a site
		"about account accounts activate activity billinginfo careers changelog checkout config configuration confirm " +
			"cookies create creator delete developer developers discover error errors events everyone " +
			"explore faq faqs favicon feed feeds follow followers following forgot forum forums group groups guest guide " +
			"health home host humans image index invite invites invitation jobs join language license list lists login " +
			"logout message messages new newsletter notification notifications notify null onboarding page " +
			"pages password payment payments policies policy popular post posts premium pricing profile profiles register " +
			"registration report reports reset robots rss rules service services session sessions setting settings setup " +
			"share shop signin signout signup sitemap site sites store subscribe suggestions terms tos trending undefined " +
			"unsubscribe update updates upgrade url user username users welcome widget you yourname",
	} {
		for label := range strings.FieldsSeq(group) {
			m[label] = true
		}
	}
	return m
}()
