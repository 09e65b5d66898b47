// Package lexicon serves com.atproto.lexicon: it resolves lexicons from the network.
package lexicon
