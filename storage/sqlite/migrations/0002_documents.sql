-- Tokens, sealed keys and preferences become documents. Accounts count the decisions about them. Records
-- say their subject.

CREATE TABLE documents (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	owner   TEXT NOT NULL, -- the DID of an account, or ''
	value   BLOB NOT NULL,
	issued  INTEGER NOT NULL,
	expires INTEGER NOT NULL, -- the zero time for never
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- A token of version 1 that was never to expire did so on 9999-12-31.
INSERT INTO documents SELECT kind, id, did, value, issued,
	iif(expires >= 253402214400000000, -62135596800000000, expires) FROM tokens ORDER BY kind, id;
DROP TABLE tokens;

INSERT INTO documents SELECT 'key', name, iif(name GLOB 'did:*', name, ''), sealed,
	-62135596800000000, -62135596800000000 FROM keys ORDER BY name;
DROP TABLE keys;

-- Empty preferences are none.
INSERT INTO documents SELECT 'preferences', a.did, a.did, p.value, -62135596800000000, -62135596800000000
	FROM preferences p JOIN accounts a ON a.id = p.account WHERE length(p.value) > 0;
DROP TABLE preferences;

CREATE INDEX documents_by_owner ON documents (owner, kind, id) WHERE owner <> '';
CREATE INDEX documents_by_expiry ON documents (expires) WHERE expires <> -62135596800000000;

ALTER TABLE accounts ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;

-- The blobs of an account that was deleted are about to be deleted, all of them.
UPDATE blobs SET state = 3, takedown = '' WHERE did NOT IN (SELECT did FROM accounts);

-- NULL if the record names none.
ALTER TABLE records ADD COLUMN subject TEXT;

-- The records that name a subject, by that. It's no index of records, because Replace writes it in an order of
-- its own, and because the others are to cost nothing. The program fills both.
CREATE TABLE subjects (
	content INTEGER NOT NULL,
	subject TEXT NOT NULL,
	path    TEXT NOT NULL,
	PRIMARY KEY (content, subject, path)
) STRICT, WITHOUT ROWID;
