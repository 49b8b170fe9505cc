"""The elements that each document of this dialect may hold, by its root. Any other is refused.

Elements that OSS has and this server doesn't build stand here too; whoever reads a document says what becomes of them.
Source: OSS API reference, the operations that take each document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.configurations import (
    access_point,
    bucket_worm,
    fetch_task,
    inventory,
    live_channel,
    replication,
    style,
    versioning,
)
from coatcheck.configurations.elements import Shape, texts
from coatcheck.configurations.table import ROWS

from . import select_request

SHAPES: Final[Mapping[str, Shape]] = {
    **{row.document.ROOT: row.document.SHAPE for row in ROWS},
    access_point.ROOT: access_point.SHAPE,
    fetch_task.ROOT: fetch_task.SHAPE,
    inventory.ROOT: inventory.SHAPE,
    live_channel.ROOT: live_channel.SHAPE,
    replication.ROOT: replication.SHAPE,
    replication.RTC_ROOT: replication.RTC_SHAPE,
    replication.RULES_ROOT: replication.RULES_SHAPE,
    style.ROOT: style.SHAPE,
    versioning.ROOT: versioning.SHAPE,
    bucket_worm.INITIATE: bucket_worm.SHAPE,
    bucket_worm.EXTEND: bucket_worm.SHAPE,
    **select_request.SHAPES,
    "BucketCnameConfiguration": texts(
        Cname=texts(
            "Domain",
            "IsWildCard",
            CertificateConfiguration=texts(
                "CertId", "Certificate", "DeleteCertificate", "Force", "PreviousCertId", "PrivateKey"
            ),
        )
    ),
    "CreateBucketConfiguration": texts("DataRedundancyType", "StorageClass"),
    "LegalHold": texts("Status"),
    "RestoreRequest": texts("Days", JobParameters=texts("Tier")),
    "Retention": texts("Mode", "RetainUntilDate"),
}
