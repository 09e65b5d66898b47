// Package preference keeps what people have set in their apps: JSON objects with a $type, which apps read and replace all
// at once, by two methods for each namespace. app.bsky.actor.getPreferences and putPreferences are two of them; a host
// may have more.
//
// Some are for people who have logged in with the account's own password only, such as a date of birth in app.bsky. Others
// don't see them, and leave them as they are when they replace the rest.
package preference
