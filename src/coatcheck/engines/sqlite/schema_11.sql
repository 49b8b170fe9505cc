-- Version 11. What buckets and accounts hold, and may hold; and sums of the rows that had none.
ALTER TABLE account ADD COLUMN quota_size INTEGER;      -- bytes; NULL: any number
ALTER TABLE account ADD COLUMN quota_objects INTEGER;

CREATE TABLE bucket_usage (
    bucket_id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,                   -- bytes of versions, and of parts of unfinished uploads
    objects INTEGER NOT NULL                 -- versions but for delete markers
) STRICT;
CREATE TABLE account_usage (                 -- the same of all buckets of an account
    account TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    objects INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO bucket_usage SELECT bucket_id, sum(size), sum(objects) FROM (
    SELECT bucket_id, sum(size) AS size, sum(kind <> 'DeleteMarker') AS objects FROM object GROUP BY bucket_id
    UNION ALL SELECT bucket_id, sum(size), 0 FROM part JOIN upload ON upload.id = upload GROUP BY bucket_id
) GROUP BY bucket_id;
INSERT INTO account_usage SELECT owner, sum(size), sum(objects) FROM bucket_usage JOIN bucket ON id = bucket_id
    GROUP BY owner;

CREATE TRIGGER bucket_usage_gone AFTER DELETE ON bucket BEGIN
    DELETE FROM bucket_usage WHERE bucket_id = OLD.id;
END;
CREATE TRIGGER account_usage_gone AFTER DELETE ON account BEGIN
    DELETE FROM account_usage WHERE account = OLD.uid;
END;

ALTER TABLE nonce ADD COLUMN row_crc32 INTEGER;         -- as in other tables; NULL: not written since version 7
ALTER TABLE garbage ADD COLUMN row_crc32 INTEGER;
ALTER TABLE key_fingerprint ADD COLUMN row_crc32 INTEGER;
ALTER TABLE noted_time ADD COLUMN row_crc32 INTEGER;
