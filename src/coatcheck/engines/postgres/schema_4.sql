-- Version 4. Whether this store may be written, or has been moved elsewhere: see engines/move_mark.py.
CREATE TABLE move (
    number bigint NOT NULL,
    state text NOT NULL,
    id text NOT NULL,
    place text NOT NULL,
    since bigint NOT NULL
);
INSERT INTO move VALUES (1, '', '', '', 0);
