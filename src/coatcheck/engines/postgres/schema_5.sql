-- Version 5. The ACL that S3 says when an upload begins. And an ACL may be grants: JSON in the place of the word.
ALTER TABLE upload ADD COLUMN acl text;
