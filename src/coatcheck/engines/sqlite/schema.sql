-- Version 1 of the catalog. Explained in docs/storage-format.md; never edited: a change is a new step in schema.py.

-- Counts the changes to what processes keep in memory (buckets, accounts, keys); triggers below move it.
CREATE TABLE generation (number INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (1);

CREATE TABLE account (
    uid TEXT NOT NULL PRIMARY KEY,           -- 16 decimal digits
    name TEXT NOT NULL DEFAULT '',
    root INTEGER NOT NULL DEFAULT 0,         -- 1 for the one account that owns the server
    enabled INTEGER NOT NULL DEFAULT 1,
    block_public_access INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL              -- Unix seconds, as every moment here
) STRICT, WITHOUT ROWID;

CREATE TABLE access_key (
    access_key_id TEXT NOT NULL PRIMARY KEY,
    sealed_secret BLOB NOT NULL,             -- 12 bytes nonce, AES-256-GCM ciphertext and tag; the id is bound in
    account TEXT NOT NULL REFERENCES account (uid),
    user TEXT REFERENCES user (uid),         -- NULL: the account's own, which may do all the account may
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
-- first row of its key. It is 0 for what was written while the bucket was never versioned, and negative for all else, so
-- that unversioned buckets pay nothing for finding versions by id. Keys are compared as UTF-8 bytes. What is long lies
-- elsewhere, so that a listing doesn't read it.
CREATE TABLE object (
    bucket_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,                      -- 'Normal', 'Multipart', 'Appendable', 'Symlink'; 'DeleteMarker'
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    last_modified INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    restore_ready_at INTEGER,                -- an archived version: readable from then
    restore_until INTEGER,                   -- until then; both NULL if nobody asked for it back
    version_id TEXT NOT NULL,                -- 'null' if written while the bucket was not versioned, or suspended
    crc64 INTEGER NOT NULL,                  -- the 64 bits as a signed number
    acl TEXT NOT NULL,
    headers BLOB NOT NULL,                   -- name, value, name, value ... joined by line feeds
    tags TEXT,                               -- JSON [[name, value], ...]; NULL: none
    encryption TEXT NOT NULL,                -- how the bytes are kept; '' as they are
    symlink_target TEXT,                     -- the key that a symlink stands for
    sealed_at INTEGER,                       -- when an appendable object was closed for good
    body_id INTEGER,                         -- row of `body`, when content or segments are there; else NULL
    segments BLOB,                           -- of one or two segments: 32 bytes each, blob id, start, stop; else NULL
    PRIMARY KEY (bucket_id, key, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX object_by_version ON object (bucket_id, key, version_id) WHERE seq < 0;

CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    content BLOB,                            -- the content of a small object; or NULL and
    segments BLOB                            -- the segments of an object that has many
) STRICT;

CREATE TABLE blob (
    id BLOB NOT NULL PRIMARY KEY,            -- 16 bytes; hex names the file
    object_count INTEGER NOT NULL            -- rows of `object` and `part` that name it; never 0
) STRICT, WITHOUT ROWID;

CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    bucket_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    initiated_at INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    headers BLOB NOT NULL,                   -- these as in `object`
    tags TEXT,
    encryption TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0      -- goes up with every change to the parts
) STRICT;
CREATE UNIQUE INDEX upload_by_key ON upload (bucket_id, key, upload_id);

CREATE TABLE part (
    upload INTEGER NOT NULL REFERENCES upload (id),
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    crc64 INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    segments BLOB,                           -- 32 bytes each; NULL: a part of no bytes
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

-- Blobs that no row names any more and whose file may still be there.
CREATE TABLE garbage (
    blob_id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER account_added AFTER INSERT ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER account_changed AFTER UPDATE ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER account_removed AFTER DELETE ON account BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_added AFTER INSERT ON access_key BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_changed AFTER UPDATE OF sealed_secret, account, user, enabled ON access_key
    BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER key_removed AFTER DELETE ON access_key BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_added AFTER INSERT ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_changed AFTER UPDATE ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_removed AFTER DELETE ON bucket BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_added AFTER INSERT ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_changed AFTER UPDATE ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER setting_removed AFTER DELETE ON bucket_setting BEGIN UPDATE generation SET number = number + 1; END;

-- Identities: users and roles of an account, and the policies attached to them.

CREATE TABLE user (
    uid TEXT NOT NULL PRIMARY KEY,           -- 18 decimal digits
    account TEXT NOT NULL REFERENCES account (uid),
    name TEXT NOT NULL COLLATE NOCASE,
    created_at INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE role (
    uid TEXT NOT NULL PRIMARY KEY,           -- 18 decimal digits
    account TEXT NOT NULL REFERENCES account (uid),
    name TEXT NOT NULL COLLATE NOCASE,
    trust TEXT NOT NULL,                     -- the policy that says who may assume it
    session_max_s INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    account TEXT NOT NULL REFERENCES account (uid),
    name TEXT NOT NULL COLLATE NOCASE,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment (
    holder TEXT NOT NULL,                    -- uid of a user or a role
    account TEXT NOT NULL,                   -- of the policy; '' for the policies that every server has
    policy TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (holder, account, policy)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_by_policy ON attachment (account, policy);

CREATE TRIGGER user_added AFTER INSERT ON user BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER user_changed AFTER UPDATE ON user BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER user_removed AFTER DELETE ON user BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER role_added AFTER INSERT ON role BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER role_changed AFTER UPDATE ON role BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER role_removed AFTER DELETE ON role BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER policy_added AFTER INSERT ON policy BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER policy_changed AFTER UPDATE ON policy BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER policy_removed AFTER DELETE ON policy BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER attachment_added AFTER INSERT ON attachment BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER attachment_changed AFTER UPDATE ON attachment BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER attachment_removed AFTER DELETE ON attachment BEGIN UPDATE generation SET number = number + 1; END;

-- Own domains (CNAMEs), and the tokens by which their ownership is proved. They go with their bucket.
CREATE TABLE domain (
    name TEXT NOT NULL PRIMARY KEY,          -- lower case
    bucket_id INTEGER NOT NULL REFERENCES bucket (id),
    bound_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_by_bucket ON domain (bucket_id);

CREATE TABLE domain_token (
    bucket_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    token TEXT NOT NULL,                     -- 32 hex digits
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, domain)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER domain_added AFTER INSERT ON domain BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER domain_removed AFTER DELETE ON domain BEGIN UPDATE generation SET number = number + 1; END;
CREATE TRIGGER bucket_gone AFTER DELETE ON bucket BEGIN
    DELETE FROM domain WHERE bucket_id = OLD.id;
    DELETE FROM domain_token WHERE bucket_id = OLD.id;
END;
