-- Version 14. What clients of S3 said of contents, and which parts an object was completed from.
-- Algorithm and value, 'crc32 NhCmhg=='; of an object made of checksums of its parts 'sha256 ...-3'; NULL: none.
ALTER TABLE object ADD COLUMN checksum TEXT;
ALTER TABLE part ADD COLUMN checksum TEXT;
ALTER TABLE upload ADD COLUMN checksum TEXT;    -- which its parts are to have: 'crc32 COMPOSITE', 'crc32 FULL_OBJECT'
ALTER TABLE body ADD COLUMN parts TEXT;         -- JSON [[size, checksum], ...]; NULL: came in one piece, or before
