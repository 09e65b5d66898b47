// Package firehose turns what happens in a store into the events that the network follows: it encodes those that aren't
// commits, and lets readers follow the outgoing log as it grows.
//
// The log itself is storage's ([storage.Events]): an event is written together with the change that it tells of.
//
// Spec: https://atproto.com/specs/sync
package firehose
