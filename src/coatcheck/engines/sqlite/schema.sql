-- Version 1 of the catalog. Explained in docs/storage-format.md; never edited: a change is a new step in schema.py.

-- Counts the changes to what processes keep in memory (buckets, accounts, keys); triggers below move it.
CREATE TABLE generation (number INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (1);

CREATE TABLE account (
    uid TEXT NOT NULL PRIMARY KEY,           -- 16 decimal digits
    name TEXT NOT NULL DEFAULT '',
    root INTEGER NOT NULL DEFAULT 0,         -- 1 for the one account that owns the server
    enabled INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL              -- Unix seconds, as every moment here
) STRICT, WITHOUT ROWID;

CREATE TABLE access_key (
    access_key_id TEXT NOT NULL PRIMARY KEY,
    sealed_secret BLOB NOT NULL,             -- 12 bytes nonce, AES-256-GCM ciphertext and tag; the id is bound in
    account TEXT NOT NULL REFERENCES account (uid),
    root INTEGER NOT NULL,                   -- 1: may do all its account may
    enabled INTEGER NOT NULL DEFAULT 1,
    description TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    last_used_at INTEGER                     -- kept roughly, if at all; NULL: never
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket (
    id INTEGER PRIMARY KEY AUTOINCREMENT,    -- never used twice
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    region TEXT NOT NULL,
    acl TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    redundancy TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    versioning TEXT NOT NULL DEFAULT ''      -- '', 'Enabled' or 'Suspended'
) STRICT;
CREATE INDEX bucket_by_owner ON bucket (owner, name);

CREATE TABLE bucket_setting (
    bucket_id INTEGER NOT NULL REFERENCES bucket (id),
    name TEXT NOT NULL,                      -- 'cors', 'policy' ...
    document TEXT NOT NULL,
    PRIMARY KEY (bucket_id, name)
) STRICT, WITHOUT ROWID;

-- One row a version, a key's newest first: `seq` goes down by one with every version, and the current version is the
-- first row of its key. Keys are compared as UTF-8 bytes. The content is elsewhere, so that a listing doesn't read it.
CREATE TABLE object (
    bucket_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,                      -- 'Normal', 'Multipart', 'Appendable', 'Symlink'
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    last_modified INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    version_id TEXT NOT NULL,                -- 'null' if written while the bucket was not versioned
    crc64 INTEGER NOT NULL,                  -- the 64 bits as a signed number
    acl TEXT NOT NULL,
    headers BLOB NOT NULL,                   -- name, value, name, value ... joined by line feeds
    tags TEXT,                               -- JSON [[name, value], ...]; NULL: none
    body_id INTEGER,                         -- the content when it is small, else NULL
    segments BLOB,                           -- the content otherwise: 32 bytes each, blob id, start, stop; NULL: none
    PRIMARY KEY (bucket_id, key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE blob (
    id BLOB NOT NULL PRIMARY KEY,            -- 16 bytes; hex names the file
    object_count INTEGER NOT NULL            -- rows of `object` that name it; never 0
) STRICT, WITHOUT ROWID;

-- Blobs that no row names any more and whose file may still be there.
CREATE TABLE garbage (
    blob_id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER account_added AFTER INSERT ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER account_changed AFTER UPDATE ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER account_removed AFTER DELETE ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_added AFTER INSERT ON access_key BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_changed AFTER UPDATE OF sealed_secret, account, root, enabled ON access_key
    BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_removed AFTER DELETE ON access_key BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_added AFTER INSERT ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_changed AFTER UPDATE ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_removed AFTER DELETE ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_added AFTER INSERT ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_changed AFTER UPDATE ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_removed AFTER DELETE ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;
