-- Version 2. No statement here rewrites a table: columns are added empty, so a catalog of any size is ready at once.
-- (SQLite from 3.42 on reads a STRICT table once when it gets a column: five million objects, two seconds.)

-- What was signed to be used once, until its time is over: nobody may use it again.
CREATE TABLE nonce (
    access_key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (access_key_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_by_end ON nonce (expires_at);

ALTER TABLE garbage ADD COLUMN released_at INTEGER; -- NULL: since version 1

-- Fingerprints of the keys that something in this catalog, or somebody out there, depends on: a server with another key
-- refuses to start. See engines/needed_keys.py.
CREATE TABLE key_fingerprint (
    name TEXT NOT NULL,                      -- 'secret', 'encryption', 'root', 'callback', 'tls'
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (name, fingerprint)
) STRICT, WITHOUT ROWID;

-- What a blob's bytes are compared with before they are believed: of its file. NULL: encrypted, or of version 1.
ALTER TABLE blob ADD COLUMN size INTEGER;
ALTER TABLE blob ADD COLUMN crc64 INTEGER;      -- the 64 bits as a signed number

-- CRC-32 of the other columns in their order (row_sums.py); NULL: not written since version 1.
ALTER TABLE object ADD COLUMN row_crc32 INTEGER; -- and of the segments, which may lie in `body`
ALTER TABLE part ADD COLUMN row_crc32 INTEGER;
ALTER TABLE upload ADD COLUMN row_crc32 INTEGER;
ALTER TABLE bucket ADD COLUMN row_crc32 INTEGER;
ALTER TABLE bucket_setting ADD COLUMN row_crc32 INTEGER;
ALTER TABLE account ADD COLUMN row_crc32 INTEGER;
ALTER TABLE access_key ADD COLUMN row_crc32 INTEGER;
ALTER TABLE user ADD COLUMN row_crc32 INTEGER;
ALTER TABLE role ADD COLUMN row_crc32 INTEGER;
ALTER TABLE policy ADD COLUMN row_crc32 INTEGER;
ALTER TABLE attachment ADD COLUMN row_crc32 INTEGER;
ALTER TABLE domain ADD COLUMN row_crc32 INTEGER;
ALTER TABLE domain_token ADD COLUMN row_crc32 INTEGER;
