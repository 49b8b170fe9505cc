-- Version 6. Write once, read many: what keeps a version from going and changing, and what time it was last.
-- Both columns hold mode, end (Unix seconds) and hold, as far as there are any: 'COMPLIANCE 1790000000 ON'; NULL: none.
ALTER TABLE object ADD COLUMN worm TEXT;
ALTER TABLE upload ADD COLUMN worm TEXT;        -- of the object it will be

CREATE TABLE noted_time (
    moment INTEGER NOT NULL                     -- not long before the newest commit; 0: not known
) STRICT;
INSERT INTO noted_time VALUES (0);
