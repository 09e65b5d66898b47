// Package bolt is a whole storage.Store on bbolt, an embedded database of ordered keys in one file. It is here to show how
// much a backend is: rows under keys, with an index where the order is another one.
//
// Every write is a transaction of bbolt, and those that wait at the same moment share one, with its flush to the disk. Every
// read, however long, is one too, of the state of one moment. What a repo consists of is kept under a number, its
// generation: to replace or remove a repo is to let go of a number, and what is under it is garbage for [Store.Maintain].
// A moderator's takedown outlasts generations, so takedowns stand under the account's DID.
package bolt
