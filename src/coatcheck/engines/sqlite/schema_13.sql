-- Version 13. Blobs that are kept in an object store: which one, and which are on their way there.
CREATE TABLE byte_place (                    -- no row: blobs are files; one: that store
    marker TEXT NOT NULL PRIMARY KEY,        -- what the store's marker says
    url TEXT NOT NULL,
    row_crc32 INTEGER
) WITHOUT ROWID;

CREATE TABLE blob_intent (                   -- blobs on their way, until a row names them
    blob_id BLOB NOT NULL PRIMARY KEY,
    intended_at INTEGER NOT NULL,            -- Unix seconds
    row_crc32 INTEGER
) WITHOUT ROWID;
CREATE INDEX blob_intent_by_time ON blob_intent (intended_at);
