// Package bsky patches what Bluesky's AppView answers, so that people see what they have just posted and how they have
// just changed their profile. See package patch.
//
// It works on JSON as it comes, not on types of the lexicons: what it doesn't know stays as it is.
package bsky
