-- Version 7. The register of links. Nothing of it is among what requests remember by `generation`: it has a number of its
-- own, see `changes.py`.
CREATE TABLE link (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,                   -- uid
    access_key_id TEXT NOT NULL,             -- '' where only the id was known; so are bucket and key
    bucket TEXT NOT NULL,                    -- its name: a link outlives the bucket
    key TEXT NOT NULL,
    registered_at INTEGER NOT NULL,          -- Unix seconds, as all times here
    ends_at INTEGER,                         -- NULL where that is unknown
    cancelled_at INTEGER,
    limits TEXT NOT NULL,                    -- JSON
    note TEXT NOT NULL,
    row_crc32 INTEGER
) WITHOUT ROWID;
CREATE INDEX link_of_account ON link (account, id);
CREATE INDEX link_of_bucket ON link (account, bucket, id);
CREATE INDEX link_by_end ON link (ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE link_uses (                     -- a table of its own: it is written with every download of a limited link
    id TEXT NOT NULL PRIMARY KEY,
    uses TEXT NOT NULL,                      -- see `links.uses_text`
    row_crc32 INTEGER
) WITHOUT ROWID;

CREATE TABLE link_rule (                     -- one for each scope; '' for any
    access_key_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,                       -- a prefix, or a whole key
    exact INTEGER NOT NULL,
    account TEXT NOT NULL,                   -- of whoever made it
    cancelled_before INTEGER NOT NULL,
    registered_only INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    row_crc32 INTEGER,
    PRIMARY KEY (access_key_id, bucket, key, exact)
) WITHOUT ROWID;
CREATE INDEX link_rule_of_account ON link_rule (account, access_key_id, bucket, key, exact);
