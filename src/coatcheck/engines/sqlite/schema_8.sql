-- Version 8 is another branch's; this file keeps the steps in a row until they are merged.
SELECT 1;
