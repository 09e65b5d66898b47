// Package lexicon serves com.atproto.lexicon: it resolves lexicons from the network.
//
// Anybody may ask, and learns no more than that a lexicon can't be had. Why it can't, the operator reads in the log.
package lexicon
