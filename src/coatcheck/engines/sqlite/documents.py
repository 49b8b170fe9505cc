"""The step of the schema that brings buckets' documents from the first release's form to today's."""

from __future__ import annotations

import sqlite3
from typing import Final

from coatcheck.configurations.upgrade import upgrade_document
from coatcheck.core.errors import OssError

from ..sql.row_sums import row_sum

_DOCUMENT: Final = "SELECT document FROM bucket_setting WHERE bucket_id = ? AND name = ?"


class UnreadableDocument(sqlite3.DatabaseError):
    """A document that the catalog holds isn't one; the message says which. Like any other damage of the catalog."""


def upgrade_documents(connection: sqlite3.Connection) -> None:
    """Rewrite every row of `bucket_setting` that isn't in today's form, with its sum. Inside a transaction.

    There are a few a bucket, whatever the number of objects, and a document takes 0.2 ms. One that can't be read stops
    it: to drop rules that close a bucket would open it.

    Raises: UnreadableDocument.
    """
    names = connection.execute("SELECT bucket_id, name FROM bucket_setting").fetchall()
    for bucket_id, name in names:
        (stored,) = connection.execute(_DOCUMENT, (bucket_id, name)).fetchone()
        try:
            document = upgrade_document(name, stored)
        except (OssError, ValueError, TypeError) as error:
            raise UnreadableDocument(f"the document {name} of bucket {bucket_id} cannot be read: {error}") from error
        if document != stored:
            connection.execute(
                "UPDATE bucket_setting SET document = ?, row_crc32 = ? WHERE bucket_id = ? AND name = ?",
                (document, row_sum(bucket_id, name, document), bucket_id, name),
            )
