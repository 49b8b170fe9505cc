"""The elements that each document of this dialect may hold, by its root. Any other is refused.

Elements that OSS has and this server doesn't build stand here too; whoever reads a document says what becomes of them.
Source: OSS API reference, the operations that take each document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.configurations import inventory, live_channel, style, versioning
from coatcheck.configurations.elements import Shape, texts
from coatcheck.configurations.table import ROWS

from . import select_request

SHAPES: Final[Mapping[str, Shape]] = {
    **{row.document.ROOT: row.document.SHAPE for row in ROWS},
    inventory.ROOT: inventory.SHAPE,
    live_channel.ROOT: live_channel.SHAPE,
    style.ROOT: style.SHAPE,
    versioning.ROOT: versioning.SHAPE,
    **select_request.SHAPES,
    "BucketCnameConfiguration": texts(
        Cname=texts(
            "Domain",
            CertificateConfiguration=texts(
                "CertId", "Certificate", "DeleteCertificate", "Force", "PreviousCertId", "PrivateKey"
            ),
        )
    ),
    "CreateBucketConfiguration": texts("DataRedundancyType", "StorageClass"),
    "RestoreRequest": texts("Days", JobParameters=texts("Tier")),
}
