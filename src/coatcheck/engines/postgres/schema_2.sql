-- Version 2. What clients of S3 said of contents, and which parts an object was completed from: see SQLite's schema_14.sql.
ALTER TABLE object ADD COLUMN checksum text;
ALTER TABLE part ADD COLUMN checksum text;
ALTER TABLE upload ADD COLUMN checksum text;
ALTER TABLE body ADD COLUMN parts text;
