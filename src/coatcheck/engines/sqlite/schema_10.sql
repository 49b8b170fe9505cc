-- Version 10. What all uses of a link come to, counted from the audit rows in link-audit/.
CREATE TABLE link_total (                    -- of links that have a row; goes with it
    id TEXT NOT NULL PRIMARY KEY,
    uses INTEGER NOT NULL,
    sent_bytes INTEGER NOT NULL,
    broken INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_use_ms INTEGER NOT NULL,            -- Unix milliseconds; 0 for never
    row_crc32 INTEGER
) WITHOUT ROWID;

CREATE TABLE link_audit_counted (            -- how far each segment of audit rows was counted
    segment TEXT NOT NULL PRIMARY KEY,
    stop INTEGER NOT NULL,                   -- bytes
    row_crc32 INTEGER
) WITHOUT ROWID;
