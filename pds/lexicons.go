package pds

import (
	"github.com/pdskit/pdskit/auth/identity"
	"github.com/pdskit/pdskit/pds/lexicon"
)

// maxLexicon bounds what is fetched of a lexicon with its proof, in bytes.
const maxLexicon = 1 << 20

// lexicons returns the lexicons that the server knows and, unless that is switched off, finds.
func (c *Config) lexicons(directory Directory) (*lexicon.Catalog, error) {
	if c.OfflineLexicons {
		return lexicon.New(lexicon.Config{Files: c.Lexicons})
	}
	resolver, err := lexicon.NewResolver(lexicon.ResolverConfig{
		Directory: directory,
		HTTP: identity.NewGuardedClient(identity.GuardConfig{
			MaxBytes: maxLexicon, AllowPrivate: c.Development, UserAgent: "pdskit",
		}),
		LookupTXT: c.LookupTXT,
		Authority: c.LexiconAuthority,
		Now:       c.Now,
	})
	if err != nil {
		return nil, err
	}
	return lexicon.New(lexicon.Config{Files: c.Lexicons, Resolver: resolver})
}
