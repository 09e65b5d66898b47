-- Times are microseconds since 1970; the zero time, the first of January of the year 1, is -62135596800000000. CIDs
-- are their bytes, but in the tables of blobs, which are listed in the order of the CIDs' strings, those strings.

CREATE TABLE accounts (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	did             TEXT NOT NULL UNIQUE,
	handle          TEXT NOT NULL,
	email           TEXT NOT NULL,
	email_confirmed INTEGER NOT NULL,
	password_hash   TEXT NOT NULL,
	created         INTEGER NOT NULL,
	deactivated     INTEGER NOT NULL,
	delete_after    INTEGER NOT NULL,
	takedown        TEXT NOT NULL,
	suspended       INTEGER NOT NULL,
	version         INTEGER NOT NULL -- of the row: one more with each update
) STRICT;
CREATE UNIQUE INDEX accounts_by_handle ON accounts (handle) WHERE handle <> '';
CREATE UNIQUE INDEX accounts_by_email ON accounts (email) WHERE email <> '';
CREATE INDEX accounts_by_end ON accounts (delete_after) -- of those that have both times
	WHERE deactivated <> -62135596800000000 AND delete_after <> -62135596800000000;

-- The preferences of the accounts that have some: apart from the accounts, since few who read an account need them.
CREATE TABLE preferences (
	account INTEGER PRIMARY KEY,
	value   BLOB NOT NULL
) STRICT;

-- The rows of nodes, records, collections and blob_refs belong to a content, not to a repo, so that a repo's whole content is
-- replaced or removed by writing one row.
CREATE TABLE contents (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	state INTEGER NOT NULL -- 0: a repo has it; 1: being staged by the process that runs; 2: garbage
) STRICT;
CREATE INDEX contents_in_limbo ON contents (state) WHERE state <> 0;

CREATE TABLE repos (
	did     TEXT PRIMARY KEY,
	content INTEGER NOT NULL,
	head    BLOB NOT NULL, -- CID of the signed commit
	rev     TEXT NOT NULL,
	data    BLOB NOT NULL, -- CID of the tree's root
	block   BLOB NOT NULL  -- the signed commit
) STRICT, WITHOUT ROWID;

-- The nodes of a content are the rows of nodes, which lie in its index wherever their CIDs, which are random, put them,
-- and those that its last commit wrote, if that were a few. Most of the latter are dropped by the next commit, without
-- having been in the index: a commit writes few pages, however large the repo is.
CREATE TABLE fresh_nodes (
	content INTEGER PRIMARY KEY,
	count   INTEGER NOT NULL,
	rev     TEXT NOT NULL,
	nodes   BLOB NOT NULL -- of each the CID and the bytes, with the length of either as a varint before it
) STRICT;
CREATE TABLE nodes (
	id      INTEGER PRIMARY KEY,
	content INTEGER NOT NULL,
	cid     BLOB NOT NULL,
	rev     TEXT NOT NULL,
	bytes   BLOB NOT NULL,
	UNIQUE (content, cid)
) STRICT;

CREATE TABLE records (
	content INTEGER NOT NULL,
	path    TEXT NOT NULL,
	cid     BLOB NOT NULL,
	rev     TEXT NOT NULL,
	bytes   BLOB NOT NULL,
	PRIMARY KEY (content, path)
) STRICT, WITHOUT ROWID;

-- The records by their CIDs. It's no index of records, because Replace writes it in an order of its own.
CREATE TABLE record_cids (
	content INTEGER NOT NULL,
	tail    INTEGER NOT NULL, -- the last 8 bytes of the CID; who looks one up compares the whole CID too
	path    TEXT NOT NULL,
	PRIMARY KEY (content, tail, path)
) STRICT, WITHOUT ROWID;

-- What record_cids lacks, of records that came many at once: each of them would go to another page there.
CREATE TABLE fresh_cids (
	content INTEGER NOT NULL,
	path    TEXT NOT NULL,
	tail    INTEGER NOT NULL,
	PRIMARY KEY (content, path)
) STRICT, WITHOUT ROWID;

-- The collections that a content has records of.
CREATE TABLE collections (
	content INTEGER NOT NULL,
	name    TEXT NOT NULL,
	did     TEXT NOT NULL, -- of the repo that has the content, or is to have it, or had it
	PRIMARY KEY (content, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX collections_by_name ON collections (name, did);

CREATE TABLE blob_refs (
	content INTEGER NOT NULL,
	cid     TEXT NOT NULL,
	path    TEXT NOT NULL, -- of the record that refers to the blob
	rev     TEXT NOT NULL, -- of that record
	PRIMARY KEY (content, cid, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_refs_by_path ON blob_refs (content, path);

-- The takedowns of records that the repo has. They aren't part of its content, so that they outlast a Replace.
CREATE TABLE record_takedowns (
	did  TEXT NOT NULL,
	path TEXT NOT NULL,
	ref  TEXT NOT NULL, -- the moderator's, not empty
	PRIMARY KEY (did, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
	did      TEXT NOT NULL,
	cid      TEXT NOT NULL,
	size     INTEGER NOT NULL,
	mime     TEXT NOT NULL,
	created  INTEGER NOT NULL,
	takedown TEXT NOT NULL,
	state    INTEGER NOT NULL, -- 0: temporary; 1: referenced; 2: has lost its last reference; 3: claimed for deletion
	PRIMARY KEY (did, cid)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_to_claim ON blobs (state, created) WHERE state <> 1 AND takedown = '';
CREATE INDEX blobs_taken_down ON blobs (did, cid) WHERE takedown <> '';

CREATE TABLE events (
	seq  INTEGER PRIMARY KEY AUTOINCREMENT,
	did  TEXT NOT NULL,
	kind TEXT NOT NULL,
	time INTEGER NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_did ON events (did);

CREATE TABLE tokens (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	did     TEXT NOT NULL,
	value   BLOB NOT NULL,
	issued  INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_did ON tokens (did, kind, id);
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TABLE keys (
	name   TEXT PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
