-- Version 4. Documents of which a bucket may have thousands, so they are not read with it: each by its kind and its name.
CREATE TABLE bucket_entry (
    bucket_id INTEGER NOT NULL REFERENCES bucket (id),
    kind TEXT NOT NULL,                      -- 'inventory', 'liveChannel' ...
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    row_crc32 INTEGER,
    PRIMARY KEY (bucket_id, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER bucket_entries_gone AFTER DELETE ON bucket BEGIN
    DELETE FROM bucket_entry WHERE bucket_id = OLD.id;
END;
