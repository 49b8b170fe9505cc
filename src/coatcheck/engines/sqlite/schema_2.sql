-- Version 2. No statement here rewrites a table: columns are added empty, so a catalog of any size is ready at once.

-- What was signed to be used once, until its time is over: nobody may use it again.
CREATE TABLE nonce (
    access_key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (access_key_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_by_end ON nonce (expires_at);

-- Fingerprints of the key files that something in this catalog depends on: a server with another key refuses to start.
CREATE TABLE key_fingerprint (
    name TEXT NOT NULL,                      -- 'secret', 'encryption', 'callback'
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (name, fingerprint)
) STRICT, WITHOUT ROWID;
