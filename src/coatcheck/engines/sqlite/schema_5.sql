-- Version 5. An upload may ask for its parts in order; its object then gets the MD5 of its whole content.
ALTER TABLE upload ADD COLUMN sequential INTEGER NOT NULL DEFAULT 0;
