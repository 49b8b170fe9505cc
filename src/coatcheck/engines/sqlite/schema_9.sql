-- Version 9. CRC-32s of contents, which ZIPs say. Derived: a row may go at any time, and the oldest do.
CREATE TABLE content_sum (
    number INTEGER PRIMARY KEY,              -- the newest has the highest
    name BLOB NOT NULL UNIQUE,               -- see `archives.members.Members.identity`
    crc32 INTEGER NOT NULL,
    row_crc32 INTEGER
);
