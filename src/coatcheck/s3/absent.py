"""What a bucket here has none of, and tools ask for: notifications, and configurations of a cloud's analyses.

Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.core.limits import CONFIGURATION_MAX_BYTES
from coatcheck.core.s3_errors import S3_NO_CONFIGURATION, S3_NOT_BUILT
from coatcheck.core.xml import read_xml
from coatcheck.oss.arguments import read_body
from coatcheck.oss.call import Call
from coatcheck.oss.configuration import Handler
from coatcheck.oss.row import Level, Row
from coatcheck.wire.reply import Reply

from .documents import show

_NOTIFICATION: Final = "NotificationConfiguration"
_LISTS: Final = (  # sub-resource, operation, root
    ("analytics", "list_bucket_analytics_configurations", "ListBucketAnalyticsConfigurationResult"),
    (
        "intelligent-tiering",
        "list_bucket_intelligent_tiering_configurations",
        "ListBucketIntelligentTieringConfigurationsOutput",
    ),
    ("metrics", "list_bucket_metrics_configurations", "ListMetricsConfigurationsResult"),
)
LISTED: Final = frozenset(sub_resource for sub_resource, _, _ in _LISTS)  # of which nothing else is built


async def get_bucket_notification_configuration(_: Call) -> Reply:
    """GetBucketNotificationConfiguration: the empty document."""
    return show(_NOTIFICATION, ())


async def put_bucket_notification_configuration(call: Call) -> Reply:
    """PutBucketNotificationConfiguration: the empty document alone, which leaves things as they are."""
    document = read_xml(await read_body(call.request, most=CONFIGURATION_MAX_BYTES), _NOTIFICATION)
    if len(document):
        raise S3_NOT_BUILT("Notifications of buckets are not built.", Header=str(document[0].tag)[:128])
    return Reply(200)


def _list(operation: str, root: str) -> Handler:
    async def list_nothing(call: Call) -> Reply:
        """All of them, or the one of an id."""
        if "id" in call.request.query:
            raise S3_NO_CONFIGURATION(BucketName=call.this_bucket.name)
        return show(root, [("IsTruncated", "false")])

    list_nothing.__name__ = operation  # which the log has
    return list_nothing


def rows() -> Iterator[Row]:
    # Nobody has a right to what isn't there, so who may ask may also say that there is nothing.
    name, action = "notification", Action.GET_BUCKET_INFO
    yield Row("GET", Level.BUCKET, name, get_bucket_notification_configuration, action)
    yield Row("PUT", Level.BUCKET, name, put_bucket_notification_configuration, action)
    for sub_resource, operation, root in _LISTS:
        yield Row("GET", Level.BUCKET, sub_resource, _list(operation, root), action)
