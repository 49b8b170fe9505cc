-- Version 8. Tickets: links that the server made. Each has a row in `link` too.
CREATE TABLE ticket (
    id TEXT NOT NULL PRIMARY KEY,            -- of its link
    document TEXT NOT NULL,                  -- JSON, see `ticket_text.py`
    row_crc32 INTEGER
) WITHOUT ROWID;

CREATE TABLE ticket_try (                    -- of passwords
    id TEXT NOT NULL,
    receiver TEXT NOT NULL,                  -- an address, or its /64
    since INTEGER NOT NULL,                  -- Unix seconds of the first
    tries INTEGER NOT NULL,
    PRIMARY KEY (id, receiver)
) WITHOUT ROWID;
CREATE INDEX ticket_try_by_time ON ticket_try (since);

CREATE TABLE link_part_uses (                -- as `link_uses`, of a link to several objects: an account for each
    id TEXT NOT NULL,
    part TEXT NOT NULL,                      -- the object's key, as a digest
    uses TEXT NOT NULL,
    row_crc32 INTEGER,
    PRIMARY KEY (id, part)
) WITHOUT ROWID;
