-- Version 3. The object store of a database's blobs, and who does which background work among all gateways.

CREATE TABLE byte_place (                    -- no row: blobs are files of a directory; one: that store
    marker text COLLATE "C" NOT NULL PRIMARY KEY,
    url text NOT NULL
);
CREATE INDEX blob_intent_by_time ON blob_intent (intended_at);

CREATE TABLE lease (
    name text COLLATE "C" NOT NULL PRIMARY KEY,  -- of the work
    holder text NOT NULL,                    -- a process
    token bigint NOT NULL,                   -- one more with every other holder: see leases.py
    ends_at bigint NOT NULL,                 -- Unix seconds, by the clock of the database
    last_day bigint NOT NULL DEFAULT -1      -- on which what is done once a day was done
);
