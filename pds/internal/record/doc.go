// Package record serves com.atproto.repo: it reads and writes records, describes repos and imports them. Each method has
// a file of its own, holding it from decoding to the write; prepare.go has the rules that every written record keeps,
// and write.go the way from prepared writes into a commit.
package record
