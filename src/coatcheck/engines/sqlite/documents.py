"""The step of the schema that brings buckets' documents from the first release's form to today's."""

from __future__ import annotations

import sqlite3

from coatcheck.configurations.upgrade import upgrade_document
from coatcheck.core.errors import OssError

from .row_sums import row_sum


class UnreadableDocument(sqlite3.DatabaseError):
    """A document that the catalog holds isn't one; the message says which. Like any other damage of the catalog."""


def upgrade_documents(connection: sqlite3.Connection) -> None:
    """Rewrite every row of `bucket_setting` that isn't in today's form, with its sum. Inside a transaction.

    There are a few a bucket, so this is quick in a catalog of any size. A document that can't be read stops it: to drop
    rules that close a bucket would open it.

    Raises: UnreadableDocument.
    """
    for bucket_id, name, stored in connection.execute(
        "SELECT bucket_id, name, document FROM bucket_setting"
    ).fetchall():
        try:
            document = upgrade_document(name, stored)
        except (OssError, ValueError, TypeError) as error:
            raise UnreadableDocument(f"the document {name} of bucket {bucket_id} cannot be read: {error}") from error
        if document != stored:
            connection.execute(
                "UPDATE bucket_setting SET document = ?, row_crc32 = ? WHERE bucket_id = ? AND name = ?",
                (document, row_sum(bucket_id, name, document), bucket_id, name),
            )
