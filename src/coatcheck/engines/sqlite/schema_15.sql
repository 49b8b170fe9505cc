-- Version 15. Whether this store may be written, or has been moved elsewhere: see engines/move_mark.py.
CREATE TABLE move (                          -- one row
    number INTEGER NOT NULL,                 -- of the place where blobs are: who opened the store at another one may not write
    state TEXT NOT NULL,                     -- '', 'leaving', 'left' or 'arriving'
    id TEXT NOT NULL,                        -- of the move; '' if there was none
    place TEXT NOT NULL,                     -- where to, or where from, for people
    since INTEGER NOT NULL,                  -- Unix seconds
    row_crc32 INTEGER
) STRICT;
INSERT INTO move (number, state, id, place, since) VALUES (1, '', '', '', 0);
