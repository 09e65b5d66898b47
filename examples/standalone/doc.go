// Command standalone is a whole PDS in one process: accounts, repos and the event log in a SQLite file, blobs in a
// folder.
//
// Without any configuration it serves people who try things out: on a loopback address, with data in ./pds-data, handles
// under .test, open sign-up, a PLC directory of its own, and letters in the log. With PDS_HOSTNAME set to a public name it
// is a production server on the public PLC directory, behind a proxy that speaks TLS; its letters go out by SMTP, and nobody
// signs up before PDS_INVITE_REQUIRED=false says so.
//
// It is configured by flags and by the environment, under the names that the reference PDS gave its variables, so that
// an operator's pds.env works as it is.
package main
