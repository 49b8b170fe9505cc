-- Version 12. Files that come in by upload boxes, and what each box has taken.
CREATE TABLE arrival (
    id TEXT NOT NULL PRIMARY KEY,
    link_id TEXT NOT NULL,                   -- of the box
    bucket_id INTEGER NOT NULL,
    size INTEGER NOT NULL,                   -- bytes; of one on its way, what is kept free for it
    whole INTEGER NOT NULL,                  -- 1: it waits to be accepted
    ends_at INTEGER NOT NULL,                -- Unix seconds; then it is removed
    document TEXT NOT NULL,                  -- JSON, see `arrival_text.py`
    segments BLOB,                           -- as in `part`
    row_crc32 INTEGER
) WITHOUT ROWID;
CREATE INDEX arrival_by_link ON arrival (link_id, whole, id);
CREATE INDEX arrival_by_end ON arrival (ends_at);
CREATE INDEX arrival_by_bucket ON arrival (bucket_id, size);

CREATE TABLE box_taken (
    id TEXT NOT NULL PRIMARY KEY,            -- of the box's link
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    under_way INTEGER NOT NULL,
    row_crc32 INTEGER
) WITHOUT ROWID;
