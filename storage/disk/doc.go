// Package disk keeps the bytes of blobs in a folder: it is a [storage.Blobs] for a server on one machine.
//
// # Layout
//
// A blob is the file <dir>/<did>/<cid>. That is the layout of the reference PDS (its PDS_BLOBSTORE_DISK_LOCATION), so
// its folder works as it is; what the reference keeps there under the names tempt and quarantine is left alone. A DID of
// more than 255 bytes, too long for a file's name, is represented by its SHA-256.
//
// Whoever can read the folder can read the blobs, so files and folders are made for the process's user alone.
//
// # Crashes
//
// An upload is written to a file in <dir>/.incoming, flushed, and then renamed into place. So a file with a blob's name
// is always whole, whenever the power fails. What a killed process leaves in .incoming is removed by the next [Open].
// A blob that another program left torn is made whole by uploading it again.
//
// The file system has to be case-sensitive and to allow colons in names, as those of Linux and the BSDs do.
package disk
